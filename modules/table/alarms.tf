locals {
  _throttles = var.alarms == null ? {} : merge([
    for name, dimensions in merge(
      { (var.name) = { TableName = var.name } },
      { for index in keys(var.indexes) : "${var.name}-${index}" => { TableName = var.name, GlobalSecondaryIndexName = index } },
      ) : {
      for kind in ["Read", "Write"] : "${name}-${lower(kind)}-throttles" => {
        description = "DynamoDB refused requests to ${kind == "Read" ? "read from" : "write to"} ${name}. A key is too popular, or a limit is reached: see the table's capacity."
        metric      = "${kind}ThrottleEvents"
        dimensions  = dimensions
        statistic   = "Sum"
        threshold   = var.alarms.throttled_requests
        periods     = 1
      }
    }
  ]...)

  _delays = var.alarms == null ? {} : {
    for region in keys(var.replica_regions) : "${var.name}-${region}-delay" => {
      description = "The copy of ${var.name} in ${region} is more than ${var.alarms.replication_delay_seconds} s behind. See AWS's health page for both regions."
      metric      = "ReplicationLatency"
      dimensions  = { TableName = var.name, ReceivingRegion = region }
      statistic   = "Average"
      threshold   = var.alarms.replication_delay_seconds * 1000
      periods     = 3
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = merge(local._throttles, local._delays)

  alarm_name          = each.key
  alarm_description   = each.value.description
  namespace           = "AWS/DynamoDB"
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.periods
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms.topic_arn]
  ok_actions          = [var.alarms.topic_arn]
}
