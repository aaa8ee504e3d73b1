locals {
  _batch_rule_name = "${var.prefix}preprocess-batch"
  _batch_steps     = { for step in [var.processing_step] : "this" => step if step.kind == "batch" }

  _queues = {
    ingest_recording = {
      timeout = var.work.ingest.timeout
      # Written out, because the bucket in turn needs this queue.
      senders = {
        raw-bucket = { service = "s3.amazonaws.com", source_arn = "arn:${local._partition}:s3:::${local._raw_name}" }
      }
    }
    preprocess_recording = {
      timeout = var.work.preprocess.timeout
      senders = {
        for name, step in local._batch_steps : "batch" => {
          service    = "events.amazonaws.com"
          source_arn = "arn:${local._partition}:events:${local._region}:${local._account_id}:rule/${local._batch_rule_name}"
        }
      }
    }
  }
}

module "queue" {
  source   = "../queue"
  for_each = local._queues

  name    = "${var.prefix}${replace(each.key, "_", "-")}"
  senders = each.value.senders

  delivery = {
    consumer_timeout = each.value.timeout
    max_receives     = var.work.max_receives
  }

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
    detail = {
      jobQueue = [each.value.job_queue_arn]
      status   = ["SUCCEEDED", "FAILED"]
    }
  })
}

resource "aws_cloudwatch_event_target" "batch" {
  for_each = local._batch_steps

  rule      = aws_cloudwatch_event_rule.batch[each.key].name
  target_id = "preprocess-queue"
  arn       = module.queue["preprocess_recording"].queue.arn
}
