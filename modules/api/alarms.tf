resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each = var.alarms == null ? {} : { "${var.name}-server-errors" = var.alarms }

  alarm_name          = each.key
  alarm_description   = "${var.name} answered more than ${each.value.max_server_errors} requests with 5xx in five minutes. Its log group is ${aws_cloudwatch_log_group.access.name}."
  namespace           = "AWS/ApiGateway"
  metric_name         = "5XXError"
  dimensions          = { ApiName = aws_api_gateway_rest_api.this.name, Stage = aws_api_gateway_stage.this.stage_name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.max_server_errors
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [each.value.topic_arn]
  ok_actions          = [each.value.topic_arn]
}
