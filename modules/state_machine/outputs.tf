output "alarm_names" {
  description = "Names of the alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}

output "log_group" {
  description = "The log group of the executions: name, ARN."
  value       = { name = aws_cloudwatch_log_group.this.name, arn = aws_cloudwatch_log_group.this.arn }
}

output "state_machine" {
  description = "The state machine: name, ARN, its role's ARN."
  value = {
    name     = aws_sfn_state_machine.this.name
    arn      = aws_sfn_state_machine.this.arn
    role_arn = aws_iam_role.this.arn
  }
}
