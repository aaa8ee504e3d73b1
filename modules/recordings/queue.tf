module "queue" {
  source = "../queue"

  name     = "${var.prefix}ingest-recording"
  delivery = { consumer_timeout = var.work.ingest.timeout, max_receives = var.work.max_receives }

  # Written out, because the bucket in turn needs this queue.
  senders = {
    raw-bucket = { service = "s3.amazonaws.com", source_arn = "arn:${local._partition}:s3:::${local._raw_name}" }
  }

  alarms = var.alarms == null ? null : {
    topic_arn              = var.alarms.topic_arn
    oldest_message_seconds = var.work.oldest_message_seconds
  }
}
