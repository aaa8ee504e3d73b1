output "alarm_names" {
  description = "Names of the alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}

output "table" {
  description = "The table: name, ARN, and the ARN of its stream, null without one."
  value = {
    name       = aws_dynamodb_table.this.name
    arn        = aws_dynamodb_table.this.arn
    stream_arn = local._stream == null ? null : aws_dynamodb_table.this.stream_arn
  }
}
