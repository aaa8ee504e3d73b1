output "alarm_names" {
  description = "Names of the alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.errors : alarm.alarm_name])
}

output "api" {
  description = "The API: id, stage, address (as AWS gives it), log group."
  value = {
    id        = aws_api_gateway_rest_api.this.id
    stage     = aws_api_gateway_stage.this.stage_name
    url       = aws_api_gateway_stage.this.invoke_url
    log_group = aws_cloudwatch_log_group.access.name
  }
}

output "usage_plan_id" {
  description = "Id of the usage plan to which API keys are added."
  value       = aws_api_gateway_usage_plan.this.id
}
