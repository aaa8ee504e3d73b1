data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # Written out, because policies stand inline in the queues they name: set later, by a resource
  # of its own, a policy would be missing when a bucket asks whether it may send.
  _arn_prefix = join(":", [
    "arn", data.aws_partition.current.partition, "sqs",
    data.aws_region.current.name, data.aws_caller_identity.current.account_id,
  ])
  _arn              = "${local._arn_prefix}:${var.name}"
  _dead_letter_name = "${var.name}-dead-letters"
  _dead_letter_arn  = "${local._arn_prefix}:${local._dead_letter_name}"

  # AWS's advice for a queue that feeds a function: six times the function's timeout, so that
  # throttled retries do not bring a message back while it is still being worked on.
  # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
  _visibility_timeout = coalesce(var.delivery.visibility_timeout, 6 * var.delivery.consumer_timeout)
}

resource "aws_sqs_queue" "this" {
  name                       = var.name
  visibility_timeout_seconds = local._visibility_timeout
  message_retention_seconds  = var.delivery.retention_days * 86400
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = var.kms_key_arn == null ? true : null
  kms_master_key_id          = var.kms_key_arn
  policy                     = local._policy
}

# Not inline: the queue would wait for its dead letters' queue, and its consumers for both.
resource "aws_sqs_queue_redrive_policy" "this" {
  queue_url = aws_sqs_queue.this.url

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = var.delivery.max_receives
  })
}

# As long as SQS keeps anything: a dead letter's clock starts when it was first sent.
resource "aws_sqs_queue" "dead_letters" {
  name                      = local._dead_letter_name
  message_retention_seconds = 14 * 86400
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  kms_master_key_id         = var.kms_key_arn
  policy                    = local._dead_letter_policy

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local._arn]
  })
}
