resource "aws_s3_bucket_notification" "this" {
  for_each = var.notifications == null ? {} : { this = var.notifications }

  bucket      = aws_s3_bucket.this.id
  eventbridge = each.value.eventbridge

  dynamic "queue" {
    for_each = each.value.queues

    content {
      id            = queue.key
      queue_arn     = queue.value.arn
      events        = queue.value.events
      filter_prefix = queue.value.prefix
      filter_suffix = queue.value.suffix
    }
  }
}
