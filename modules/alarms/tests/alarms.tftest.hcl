# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:000000000000:key/made" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:000000000000:local-alarms" }
  }
}

variables {
  name = "local-alarms"
}

run "topic_under_a_key_cloudwatch_may_use" {
  command = plan

  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == "arn:aws:kms:eu-central-1:000000000000:key/made"
    error_message = "encrypted with its own key"
  }

  assert {
    condition     = contains(jsondecode(aws_kms_key.this["this"].policy).Statement[1].Principal.Service, "cloudwatch.amazonaws.com")
    error_message = "which CloudWatch may use, or alarms would be lost"
  }

  assert {
    condition     = aws_kms_key.this["this"].enable_key_rotation && aws_kms_key.this["this"].deletion_window_in_days == 30
    error_message = "rotated, and slow to go"
  }

  assert {
    condition     = jsondecode(aws_sns_topic_policy.this.policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "000000000000"
    error_message = "services send for this account only"
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) + length(aws_cloudwatch_metric_alarm.this) == 0
    error_message = "nobody is told and nothing watched unless asked for"
  }
}

run "given_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/given"
  }

  assert {
    condition     = aws_sns_topic.this.kms_master_key_id == var.kms_key_arn && length(aws_kms_key.this) == 0
    error_message = "the key given, and none made"
  }
}

run "subscriptions_and_metrics" {
  command = plan

  variables {
    is_temporary    = true
    prefix          = "local-"
    email_addresses = { team = "team@example.org" }
    metrics = {
      ship-failures = {
        description = "A rig has given up shipping."
        metric      = "ShipFailures"
        dimensions  = { environment = "local" }
      }
    }
  }

  assert {
    condition     = aws_sns_topic_subscription.email["team"].endpoint == "team@example.org"
    error_message = "the team is told"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["ship-failures"].alarm_name == "local-ship-failures" && aws_cloudwatch_metric_alarm.this["ship-failures"].namespace == "ProvingGround"
    error_message = "named with the prefix, in our namespace"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["ship-failures"].alarm_actions == toset(["arn:aws:sns:eu-central-1:000000000000:local-alarms"])
    error_message = "it tells the topic"
  }

  assert {
    condition     = aws_kms_key.this["this"].deletion_window_in_days == 7
    error_message = "a temporary key goes sooner"
  }

  assert {
    condition     = output.alarm_names == tolist(["local-ship-failures"])
    error_message = "and says its name"
  }
}

run "refuses_bad_address" {
  command = plan
  variables {
    email_addresses = { team = "team" }
  }
  expect_failures = [var.email_addresses]
}

run "refuses_bad_metrics" {
  command = plan
  variables {
    metrics = { bad = { description = "Oops", metric = "Bad", statistic = "Median", period = 90 } }
  }
  expect_failures = [var.metrics]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "local alarms"
  }
  expect_failures = [var.name]
}
