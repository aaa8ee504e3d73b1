locals {
  _batch_rule_name = "${var.prefix}preprocess-batch"
  _batch_steps     = { for step in [var.processing_step] : "this" => step if step.kind == "batch" }

  _batch_rule_arn = join(":", [
    "arn", data.aws_partition.current.partition, "events",
    data.aws_region.current.name, data.aws_caller_identity.current.account_id, "rule/${local._batch_rule_name}",
  ])
}

module "queue" {
  source = "../queue"

  name     = local._name
  delivery = { consumer_timeout = var.work.timeout, max_receives = var.work.max_receives }
  senders  = { for name, step in local._batch_steps : "batch" => { service = "events.amazonaws.com", source_arn = local._batch_rule_arn } }

  alarms = var.alarms == null ? null : {
    topic_arn              = var.alarms.topic_arn
    oldest_message_seconds = var.work.oldest_message_seconds
  }
}

# A job on Batch outlives any function: its end comes back as an event.
resource "aws_cloudwatch_event_rule" "batch" {
  for_each = local._batch_steps

  name        = local._batch_rule_name
  description = "Ends of the jobs that process recordings."

  event_pattern = jsonencode({
    source      = ["aws.batch"]
    detail-type = ["Batch Job State Change"]
    detail      = { jobQueue = [each.value.job_queue_arn], status = ["SUCCEEDED", "FAILED"] }
  })
}

resource "aws_cloudwatch_event_target" "batch" {
  for_each = local._batch_steps

  rule      = aws_cloudwatch_event_rule.batch[each.key].name
  target_id = "preprocess-queue"
  arn       = module.queue.queue.arn
}
