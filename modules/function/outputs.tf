output "alarm_names" {
  description = "Names of the alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}

output "function" {
  description = "The function: name, ARN, the ARN by which API Gateway calls it, its log group, its role's ARN."
  value = {
    name       = aws_lambda_function.this.function_name
    arn        = aws_lambda_function.this.arn
    invoke_arn = aws_lambda_function.this.invoke_arn
    log_group  = aws_cloudwatch_log_group.this.name
    role_arn   = aws_iam_role.this.arn
  }
}
