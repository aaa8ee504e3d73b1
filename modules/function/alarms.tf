locals {
  _alarms = var.alarms == null ? {} : {
    "${var.name}-errors" = {
      description = "${var.name} failed more than ${var.alarms.max_errors} times in five minutes. Its log group is ${aws_cloudwatch_log_group.this.name}."
      metric      = "Errors"
      threshold   = var.alarms.max_errors
    }
    "${var.name}-throttles" = {
      description = "${var.name} was refused a start for want of concurrency: raise its reserved concurrency or the account's limit."
      metric      = "Throttles"
      threshold   = var.alarms.max_throttles
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local._alarms

  alarm_name          = each.key
  alarm_description   = each.value.description
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms.topic_arn]
  ok_actions          = [var.alarms.topic_arn]
}
