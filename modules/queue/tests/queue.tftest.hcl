# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
}

variables {
  name     = "local-ingest"
  delivery = { consumer_timeout = 30 }
}

run "comes_with_its_dead_letters" {
  command = plan

  assert {
    condition     = aws_sqs_queue.this.name == "local-ingest" && aws_sqs_queue.dead_letters.name == "local-ingest-dead-letters"
    error_message = "two queues, the second named after the first"
  }

  assert {
    condition     = aws_sqs_queue.this.visibility_timeout_seconds == 180
    error_message = "hidden six times as long as the consumer may work"
  }

  assert {
    condition     = aws_sqs_queue.this.sqs_managed_sse_enabled && aws_sqs_queue.dead_letters.sqs_managed_sse_enabled
    error_message = "both encrypted"
  }

  assert {
    condition     = aws_sqs_queue.dead_letters.message_retention_seconds > aws_sqs_queue.this.message_retention_seconds
    error_message = "dead letters outlive the queue's messages"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead_letters.redrive_allow_policy).sourceQueueArns == ["arn:aws:sqs:eu-central-1:000000000000:local-ingest"]
    error_message = "dead letters from this queue only"
  }

  assert {
    condition     = [for s in jsondecode(aws_sqs_queue.this.policy).Statement : s.Effect] == ["Deny"]
    error_message = "nobody may send by the queue's own policy; TLS only"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 0
    error_message = "no alarm without a topic"
  }
}

run "redrive_points_to_dead_letters" {
  command = plan

  variables {
    delivery = { consumer_timeout = 10, max_receives = 3 }
  }

  override_resource {
    override_during = plan
    target          = aws_sqs_queue.dead_letters
    values          = { arn = "arn:aws:sqs:eu-central-1:000000000000:local-ingest-dead-letters" }
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_policy.this.redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:eu-central-1:000000000000:local-ingest-dead-letters", maxReceiveCount = 3 }
    error_message = "after three attempts a message is a dead letter"
  }
}

run "senders" {
  command = plan

  variables {
    senders = { raw-bucket = { service = "s3.amazonaws.com", source_arn = "arn:aws:s3:::raw" } }
  }

  assert {
    condition = jsondecode(aws_sqs_queue.this.policy).Statement[1] == {
      Sid       = "SenderRawBucket"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = "arn:aws:sqs:eu-central-1:000000000000:local-ingest"
      Condition = {
        ArnEquals    = { "aws:SourceArn" = "arn:aws:s3:::raw" }
        StringEquals = { "aws:SourceAccount" = "000000000000" }
      }
    }
    error_message = "that bucket of this account may send"
  }
}

run "alarms" {
  command = plan

  variables {
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", oldest_message_seconds = 120 }
  }

  assert {
    condition     = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.threshold } == { local-ingest-dead-letters = 0, local-ingest-oldest-message = 120 }
    error_message = "an alarm for any dead letter, and one for age"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["local-ingest-dead-letters"].dimensions == tomap({ QueueName = "local-ingest-dead-letters" })
    error_message = "it watches the dead letters"
  }

  assert {
    condition     = output.alarm_names == tolist(["local-ingest-dead-letters", "local-ingest-oldest-message"])
    error_message = "and says which"
  }
}

run "own_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/one"
  }

  assert {
    condition     = aws_sqs_queue.this.kms_master_key_id == var.kms_key_arn && aws_sqs_queue.dead_letters.kms_master_key_id == var.kms_key_arn
    error_message = "both queues under the key given"
  }
}

run "refuses_short_visibility" {
  command = plan
  variables {
    delivery = { consumer_timeout = 30, visibility_timeout = 179 }
  }
  expect_failures = [var.delivery]
}

run "refuses_endless_consumer" {
  command = plan
  variables {
    delivery = { consumer_timeout = 901 }
  }
  expect_failures = [var.delivery]
}

run "refuses_single_attempt" {
  command = plan
  variables {
    delivery = { consumer_timeout = 30, max_receives = 1 }
  }
  expect_failures = [var.delivery]
}

run "refuses_retention_beyond_dead_letters" {
  command = plan
  variables {
    delivery = { consumer_timeout = 30, retention_days = 14 }
  }
  expect_failures = [var.delivery]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "ingest.fifo"
  }
  expect_failures = [var.name]
}

run "refuses_sender_that_is_no_service" {
  command = plan
  variables {
    senders = { somebody = { service = "s3", source_arn = "arn:aws:s3:::raw" } }
  }
  expect_failures = [var.senders]
}

run "refuses_impatient_alarm" {
  command = plan
  variables {
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", oldest_message_seconds = 10 }
  }
  expect_failures = [var.alarms]
}
