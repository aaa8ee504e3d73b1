locals {
  _dimensions = { environment = var.environment, leaderboard = var.leaderboard }

  # Counts of the functions; with a `calculation` it is that which is looked at.
  _alarms = var.alarms == null ? {} : {
    "${var.name}-stuck" = {
      description = "A submission to ${var.leaderboard} is stuck. See which, why and what mends it with `glue leaderboard submissions ${var.leaderboard}`."
      period      = 900
      threshold   = 0
      calculation = null
      metrics     = { stuck = "SubmissionsStuck" }
    }
    "${var.name}-failed-submissions" = {
      description = "More than ${var.alarms.failed_percent} % of the submissions to ${var.leaderboard} failed within six hours. That many participants are rarely wrong at once: see the reasons with `glue leaderboard submissions ${var.leaderboard}`."
      period      = 21600
      threshold   = var.alarms.failed_percent
      # Few submissions make no rate.
      calculation = "IF(FILL(failed, 0) >= ${var.alarms.failed_least}, 100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(finished, 0)), 0)"
      metrics     = { failed = "SubmissionsFailed", finished = "SubmissionsFinished" }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local._alarms

  alarm_name          = each.key
  alarm_description   = each.value.description
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms.topic_arn]
  ok_actions          = [var.alarms.topic_arn]

  dynamic "metric_query" {
    for_each = each.value.metrics

    content {
      id          = metric_query.key
      return_data = each.value.calculation == null

      metric {
        namespace   = "ProvingGround"
        metric_name = metric_query.value
        dimensions  = local._dimensions
        stat        = "Sum"
        period      = each.value.period
      }
    }
  }

  dynamic "metric_query" {
    for_each = compact([each.value.calculation])

    content {
      id          = "rate"
      label       = "failed of a hundred"
      expression  = metric_query.value
      return_data = true
    }
  }
}
