locals {
  # A machine that lost its host is moved to another; one that hangs is started again.
  _all_repairs = {
    reboot  = { metric = "StatusCheckFailed_Instance", periods = 3, trouble = "it hangs and is started again" }
    recover = { metric = "StatusCheckFailed_System", periods = 2, trouble = "its host failed and it is moved to another" }
  }
  _repairs = var.kind == "instance" ? local._all_repairs : {}
  _topics  = var.alarms == null ? [] : [var.alarms.topic_arn]
}

# Their actions are the repair itself, so these alarms are there without a topic too.
resource "aws_cloudwatch_metric_alarm" "instance" {
  for_each = local._repairs

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "NAT instance ${var.name}: ${each.value.trouble}. Private subnets are without internet meanwhile."
  namespace           = "AWS/EC2"
  metric_name         = each.value.metric
  dimensions          = { InstanceId = aws_instance.this["this"].id }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = each.value.periods
  alarm_actions       = concat(["${local._arn}:automate:${local._region}:ec2:${each.key}"], local._topics)
  ok_actions          = local._topics
}

resource "aws_cloudwatch_metric_alarm" "gateway" {
  for_each = var.alarms == null ? [] : local._gateways

  alarm_name          = "${var.name}-ports-${each.key}"
  alarm_description   = "The NAT gateway in ${each.key} has no port left for a new connection: too many go to one address at once."
  namespace           = "AWS/NATGateway"
  metric_name         = "ErrorPortAllocation"
  dimensions          = { NatGatewayId = aws_nat_gateway.this[each.key].id }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local._topics
  ok_actions          = local._topics
}
