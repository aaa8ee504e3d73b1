locals {
  _alarms = var.alarms == null ? {} : {
    "${var.name}-dead-letters" = {
      description = "Messages of ${var.name} failed ${var.delivery.max_receives} times and wait among the dead letters. Read why in the consumer's log, then put them back."
      queue       = aws_sqs_queue.dead_letters.name
      metric      = "ApproximateNumberOfMessagesVisible"
      threshold   = 0
    }
    "${var.name}-oldest-message" = {
      description = "A message of ${var.name} has waited more than ${var.alarms.oldest_message_seconds} s. The consumer is stuck, throttled or too slow."
      queue       = aws_sqs_queue.this.name
      metric      = "ApproximateAgeOfOldestMessage"
      threshold   = var.alarms.oldest_message_seconds
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local._alarms

  alarm_name          = each.key
  alarm_description   = each.value.description
  namespace           = "AWS/SQS"
  metric_name         = each.value.metric
  dimensions          = { QueueName = each.value.queue }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms.topic_arn]
  ok_actions          = [var.alarms.topic_arn]
}
