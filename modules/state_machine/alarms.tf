locals {
  _alarms = var.alarms == null ? {} : {
    "${var.name}-failed" = {
      description = "An execution of ${var.name} failed."
      metric      = "ExecutionsFailed"
    }
    "${var.name}-timed-out" = {
      description = "An execution of ${var.name} took longer than it may."
      metric      = "ExecutionsTimedOut"
    }
    "${var.name}-aborted" = {
      description = "Somebody stopped an execution of ${var.name}: what it worked on may be left as it was."
      metric      = "ExecutionsAborted"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local._alarms

  alarm_name          = each.key
  alarm_description   = "${each.value.description} See its history in Step Functions, or the log ${aws_cloudwatch_log_group.this.name}."
  namespace           = "AWS/States"
  metric_name         = each.value.metric
  dimensions          = { StateMachineArn = aws_sfn_state_machine.this.arn }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.alarms.max_failures
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms.topic_arn]
  ok_actions          = [var.alarms.topic_arn]
}
