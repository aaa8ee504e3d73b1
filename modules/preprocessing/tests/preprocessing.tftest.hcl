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
  target          = module.processed.aws_s3_bucket.this
  values          = { id = "local-recordings-processed-000000000000", arn = "arn:aws:s3:::processed" }
}

variables {
  environment = "local"
  prefix      = "local-"
  raw         = { name = "raw", arn = "arn:aws:s3:::raw" }

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

run "copies_what_is_new" {
  command = plan

  assert {
    condition     = output.functions.preprocess_recording.name == "local-preprocess-recording" && output.queue.dead_letters.name == "local-preprocess-recording-dead-letters"
    error_message = "names have the prefix"
  }

  assert {
    condition     = length(output.alarm_names) + length(aws_cloudwatch_event_rule.batch) == 0
    error_message = "no alarm without a topic, no rule for jobs when the step is a copy"
  }

  assert {
    condition     = jsondecode(local._step_settings) == { name = "copy", version = "1", kind = "copy" }
    error_message = "the function is told the step"
  }

  assert {
    condition     = join(" ", keys(output.serving.environment)) == "PROCESSED_BUCKET"
    error_message = "the function that answers is told where results are"
  }
}

run "reads_raw_and_writes_processed_data" {
  command = plan

  assert {
    condition     = local._read_raw.read_raw.resources == ["arn:aws:s3:::raw/*"] && alltrue([for action in local._read_raw.read_raw.actions : startswith(action, "s3:Get")])
    error_message = "raw data is read and nothing else"
  }

  assert {
    condition     = alltrue(flatten([for statement in local._write_processed : [for action in statement.actions : !strcontains(action, "Delete")]]))
    error_message = "nothing is deleted"
  }

  assert {
    condition     = alltrue([for action in output.serving.policy_statements.read_processed.actions : startswith(action, "s3:Get")]) && output.serving.policy_statements.read_processed.resources == ["arn:aws:s3:::processed/*"]
    error_message = "an address reads results and does nothing else"
  }

  assert {
    condition     = length(local._run_step) + length(local._use_keys) == 0
    error_message = "nothing else without a step or a key of one's own"
  }
}

run "step_as_a_function" {
  command = plan

  variables {
    processing_step = { name = "denoise", version = "2", kind = "function", function_arn = "arn:aws:lambda:eu-central-1:000000000000:function:denoise" }
  }

  assert {
    condition     = jsondecode(local._step_settings) == { name = "denoise", version = "2", kind = "function", function = "arn:aws:lambda:eu-central-1:000000000000:function:denoise" }
    error_message = "preprocess is told which function"
  }

  assert {
    condition     = join(" ", concat(local._run_step.run_step.actions, local._run_step.run_step.resources)) == "lambda:InvokeFunction arn:aws:lambda:eu-central-1:000000000000:function:denoise"
    error_message = "and may call it"
  }
}

run "step_on_batch" {
  command = plan

  variables {
    processing_step = {
      name               = "denoise"
      kind               = "batch"
      job_queue_arn      = "arn:aws:batch:eu-central-1:000000000000:job-queue/cpu"
      job_definition_arn = "arn:aws:batch:eu-central-1:000000000000:job-definition/denoise:7"
    }
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.batch["this"].event_pattern).detail == { jobQueue = ["arn:aws:batch:eu-central-1:000000000000:job-queue/cpu"], status = ["SUCCEEDED", "FAILED"] }
    error_message = "ends of jobs in that queue come back"
  }

  assert {
    condition     = local._batch_rule_arn == "arn:aws:events:eu-central-1:000000000000:rule/local-preprocess-batch"
    error_message = "by that rule"
  }

  assert {
    condition     = local._run_step.run_step.resources == tolist(["arn:aws:batch:eu-central-1:000000000000:job-queue/cpu", "arn:aws:batch:eu-central-1:000000000000:job-definition/denoise:7", "arn:aws:batch:eu-central-1:000000000000:job-definition/denoise:*"])
    error_message = "preprocess may submit that job to that queue"
  }

  assert {
    condition     = local._run_step.find_job == { actions = ["batch:ListJobs"], resources = ["*"] }
    error_message = "and look whether there is one already"
  }
}

run "with_keys_log_and_alarms" {
  command = plan

  variables {
    alarms  = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms" }
    raw     = { name = "raw", arn = "arn:aws:s3:::raw", kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/raw" }
    storage = { kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/own", access_log_bucket = "logs-000000000000" }
  }

  assert {
    condition     = local._use_keys.use_key.resources == tolist(["arn:aws:kms:eu-central-1:000000000000:key/raw", "arn:aws:kms:eu-central-1:000000000000:key/own"])
    error_message = "what is read and what is written has its key"
  }

  assert {
    condition     = length(output.alarm_names) == 4
    error_message = "two alarms for the queue and for the function"
  }
}

run "refuses_unknown_kind" {
  command = plan
  variables {
    processing_step = { kind = "cluster" }
  }
  expect_failures = [var.processing_step]
}

run "refuses_function_without_arn" {
  command = plan
  variables {
    processing_step = { kind = "function" }
  }
  expect_failures = [var.processing_step]
}

run "refuses_batch_without_definition" {
  command = plan
  variables {
    processing_step = { kind = "batch", job_queue_arn = "arn:aws:batch:eu-central-1:000000000000:job-queue/cpu" }
  }
  expect_failures = [var.processing_step]
}

run "refuses_step_that_is_no_key" {
  command = plan
  variables {
    processing_step = { name = "de/noise" }
  }
  expect_failures = [var.processing_step]
}

run "refuses_bad_prefix" {
  command = plan
  variables {
    prefix = "Local"
  }
  expect_failures = [var.prefix]
}
