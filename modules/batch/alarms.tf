# Batch has no metrics of its own, but tells EventBridge of every change. A rule counts what it
# matches, and an alarm looks at the count. The events go to a log, where the reason is found.
locals {
  _queue_arns = sort([for queue in aws_batch_job_queue.this : queue.arn])

  _events = var.alarms == null ? {} : {
    "${var.name}-failed-jobs" = {
      description = "Jobs of ${var.name} failed for good."
      threshold   = var.alarms.max_failed_jobs
      pattern     = { source = ["aws.batch"], detail-type = ["Batch Job State Change"], detail = { status = ["FAILED"], jobQueue = local._queue_arns } }
    }
    "${var.name}-blocked-queues" = {
      description = "A job that nothing can run holds back a queue of ${var.name}: no capacity, no room, or it asks for more than there is."
      threshold   = 0
      pattern     = { source = ["aws.batch"], detail-type = ["Batch Job Queue Blocked"], detail = { jobQueue = local._queue_arns } }
    }
  }

  # EventBridge writes to groups below this path only.
  _events_group = { for alarms in var.alarms == null ? [] : [var.alarms] : "this" => "/aws/events/${var.name}" }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local._events

  name          = each.key
  description   = each.value.description
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local._events

  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = "log"
  arn       = aws_cloudwatch_log_group.events["this"].arn

  depends_on = [aws_cloudwatch_log_resource_policy.events]
}

resource "aws_cloudwatch_log_group" "events" {
  #checkov:skip=CKV_AWS_158:EventBridge cannot use a key that the account's policy does not give it; CloudWatch encrypts every group
  #checkov:skip=CKV_AWS_338:How long a log is worth keeping is the environment's to say
  for_each = local._events_group

  name              = each.value
  retention_in_days = var.logs.retention_days
}

resource "aws_cloudwatch_log_resource_policy" "events" {
  for_each = local._events_group

  policy_name = "${var.name}-events"

  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = ["delivery.logs.amazonaws.com", "events.amazonaws.com"] }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource  = "${aws_cloudwatch_log_group.events[each.key].arn}:*"
    }]
  })
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local._events

  alarm_name          = each.key
  alarm_description   = "${each.value.description} The reasons are in ${local._events_group["this"]}."
  namespace           = "AWS/Events"
  metric_name         = "TriggeredRules"
  dimensions          = { RuleName = aws_cloudwatch_event_rule.this[each.key].name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms.topic_arn]
  ok_actions          = [var.alarms.topic_arn]
}
