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

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::a-bucket" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:000000000000:a-queue", url = "https://sqs.eu-central-1.amazonaws.com/000000000000/a-queue" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/a-role" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:000000000000:function:a-function" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:a-log" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-central-1:000000000000:rule/a-rule" }
  }
}

override_resource {
  override_during = plan
  target          = module.raw.aws_s3_bucket.this
  values          = { id = "local-recordings-raw-000000000000", arn = "arn:aws:s3:::raw" }
}

variables {
  environment = "local"
  prefix      = "local-"

  preprocess_queue = {
    arn = "arn:aws:sqs:eu-central-1:000000000000:local-preprocess-recording"
    url = "https://sqs.eu-central-1.amazonaws.com/000000000000/local-preprocess-recording"
  }

  package = {
    path         = "code.zip"
    hash         = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    layers       = []
    runtime      = "python3.12"
    architecture = "arm64"
  }

  catalogue = {
    settings          = "{\"engine\":\"redshift\"}"
    policy_statements = { ask_catalogue = { actions = ["redshift-data:ExecuteStatement"], resources = ["arn:aws:redshift-serverless:eu-central-1:000000000000:workgroup/one"] } }
    role_tags         = { RedshiftDbRoles = "catalogue" }
  }
}

run "whole_system" {
  command = plan

  assert {
    condition     = join(" ", keys(output.functions)) == "ingest_recording reconcile_recordings"
    error_message = "two functions"
  }

  assert {
    condition     = output.functions.ingest_recording.name == "local-ingest-recording" && output.queue.dead_letters.name == "local-ingest-recording-dead-letters"
    error_message = "names have the prefix"
  }

  assert {
    condition     = toset([for name, alarm in output.metric_alarms : alarm.metric]) == toset(["RecordingsIncomplete", "RecordingsQuarantined", "ShipFailures"])
    error_message = "three things are counted and watched"
  }

  assert {
    condition     = alltrue([for alarm in output.metric_alarms : alarm.dimensions.environment == "local"])
    error_message = "by environment"
  }

  assert {
    condition     = length(output.alarm_names) == 0
    error_message = "no alarm without a topic"
  }

  assert {
    condition     = join(" ", keys(output.serving.environment)) == "INGEST_QUEUE_URL RAW_BUCKET"
    error_message = "the function that answers is told what it needs"
  }
}

run "nobody_deletes_and_nobody_writes_raw_but_by_an_address" {
  command = plan

  assert {
    condition     = toset(flatten([for statement in values(output.serving.policy_statements) : [for action in statement.actions : action] if contains(tolist(statement.resources), "arn:aws:s3:::raw/*")])) == toset(["s3:AbortMultipartUpload", "s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectVersion", "s3:GetObjectVersionAttributes", "s3:ListMultipartUploadParts", "s3:PutObject"])
    error_message = "what an address can do with a raw object: read, add; never delete"
  }

  assert {
    condition     = toset(keys(output.serving.policy_statements)) == toset(["list_raw", "list_uploads", "read_raw", "start_ingest", "upload_raw"])
    error_message = "nothing else"
  }

  assert {
    condition     = toset(keys(local._functions.ingest_recording.statements)) == toset(["list_raw", "read_raw", "start_preprocessing"])
    error_message = "ingest reads raw data and passes on"
  }

  assert {
    condition     = toset(keys(local._functions.reconcile_recordings.statements)) == toset(["list_raw", "start_ingest"])
    error_message = "reconcile lists and starts ingest again"
  }

  assert {
    condition = alltrue(flatten([
      for function in values(local._functions) : [
        for statement in values(function.statements) : [for action in statement.actions : !strcontains(action, "Delete")]
      ]
    ]))
    error_message = "nobody deletes"
  }
}

run "with_key_log_and_alarms" {
  command = plan

  variables {
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms" }
    storage = {
      kms_key_arn                = "arn:aws:kms:eu-central-1:000000000000:key/one"
      access_log_bucket          = "logs-000000000000"
      break_glass_principal_arns = ["arn:aws:iam::000000000000:role/break-glass"]
    }
  }

  assert {
    condition     = contains(keys(output.serving.policy_statements), "use_key") && output.raw.kms_key_arn == var.storage.kms_key_arn
    error_message = "who works with the data may use the key"
  }

  assert {
    condition     = length(output.alarm_names) == 6
    error_message = "two alarms for the queue and for each function"
  }
}

run "refuses_bad_prefix" {
  command = plan
  variables {
    prefix = "Local"
  }
  expect_failures = [var.prefix]
}

run "refuses_impatience" {
  command = plan
  variables {
    work = { reconcile = { incomplete_after_hours = 0 } }
  }
  expect_failures = [var.work]
}
