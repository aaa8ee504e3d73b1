# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/a-role" }
  }

  mock_resource "aws_iam_instance_profile" {
    defaults = { arn = "arn:aws:iam::123456789012:instance-profile/a-profile" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:a-log" }
  }

  mock_resource "aws_batch_compute_environment" {
    defaults = { arn = "arn:aws:batch:eu-central-1:123456789012:compute-environment/one" }
  }

  mock_resource "aws_batch_job_queue" {
    defaults = { arn = "arn:aws:batch:eu-central-1:123456789012:job-queue/one" }
  }

  mock_resource "aws_batch_job_definition" {
    defaults = { arn = "arn:aws:batch:eu-central-1:123456789012:job-definition/one:7", arn_prefix = "arn:aws:batch:eu-central-1:123456789012:job-definition/one" }
  }
}

override_resource {
  override_during = plan
  target          = module.compute["spot"].aws_batch_compute_environment.this
  values          = { arn = "arn:aws:batch:eu-central-1:123456789012:compute-environment/spot" }
}

variables {
  name    = "staging-jobs"
  network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1"] }

  compute = {
    spot   = { kind = "gpu-spot", max_vcpus = 64, instance_types = ["g5.xlarge"] }
    demand = { kind = "gpu-on-demand", max_vcpus = 16, instance_types = ["g5.xlarge"] }
    cpu    = { kind = "fargate-spot", max_vcpus = 16 }
  }

  queues = {
    gpu = { priority = 10, compute = ["spot", "demand"] }
    cpu = { priority = 5, compute = ["cpu"], patience_seconds = 0 }
  }
}

run "queues_and_environments" {
  command = plan

  assert {
    condition = [for entry in aws_batch_job_queue.this["gpu"].compute_environment_order : "${entry.order} ${entry.compute_environment}"] == [
      "1 arn:aws:batch:eu-central-1:123456789012:compute-environment/spot",
      "2 arn:aws:batch:eu-central-1:123456789012:compute-environment/one",
    ]
    error_message = "Spot first"
  }

  assert {
    condition     = aws_batch_job_queue.this["gpu"].name == "staging-jobs-gpu" && aws_batch_job_queue.this["gpu"].priority == 10
    error_message = "by name and priority"
  }

  assert {
    condition     = length(aws_batch_job_queue.this["gpu"].job_state_time_limit_action) == 3 && alltrue([for action in aws_batch_job_queue.this["gpu"].job_state_time_limit_action : action.max_time_seconds == 86400])
    error_message = "what nothing can run is given up after a day"
  }

  assert {
    condition     = length(aws_batch_job_queue.this["cpu"].job_state_time_limit_action) == 0
    error_message = "unless the queue has endless patience"
  }

  assert {
    condition     = join(" ", keys(output.job_queues)) == "cpu gpu" && join(" ", keys(output.compute_environments)) == "cpu demand spot"
    error_message = "by the names they were given"
  }

  assert {
    condition     = length(output.job_definitions) + length(output.job_roles) + length(output.alarm_names) + length(aws_cloudwatch_event_rule.this) == 0
    error_message = "nothing that was not asked for"
  }

  assert {
    condition     = aws_cloudwatch_log_group.jobs.retention_in_days == 30 && output.log_group_name == "/aws/batch/staging-jobs"
    error_message = "one log for all"
  }

  assert {
    condition     = join(" ", keys(aws_vpc_security_group_egress_rule.jobs)) == "443"
    error_message = "out by HTTPS, in from nowhere"
  }
}

run "job_definitions" {
  command = plan

  variables {
    network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1"], egress_ports = [443, 5432] }
    logs    = { retention_days = 90, kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/one" }

    job_definitions = {
      denoise = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600 }
      train   = { image = "python:3", vcpus = 4, memory_mib = 15000, gpus = 1, timeout_seconds = 600, attempts = 5 }
    }
  }

  assert {
    condition     = output.job_definitions.train.name == "staging-jobs-train" && output.job_definitions.denoise.family_arn == "arn:aws:batch:eu-central-1:123456789012:job-definition/one"
    error_message = "with names and ARNs"
  }

  assert {
    condition     = join(" ", keys(output.job_roles)) == "denoise train"
    error_message = "each with a role of its own"
  }

  assert {
    condition     = aws_cloudwatch_log_group.jobs.retention_in_days == 90 && aws_cloudwatch_log_group.jobs.kms_key_id == "arn:aws:kms:eu-central-1:123456789012:key/one"
    error_message = "a log as wanted"
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.jobs["5432"].from_port == 5432
    error_message = "and to a database"
  }
}

run "alarms" {
  command = plan

  variables {
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:123456789012:alarms", max_failed_jobs = 4 }
  }

  assert {
    condition     = output.alarm_names == tolist(["staging-jobs-blocked-queues", "staging-jobs-failed-jobs"])
    error_message = "one for jobs, one for queues"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["staging-jobs-failed-jobs"].threshold == 4 && aws_cloudwatch_metric_alarm.this["staging-jobs-failed-jobs"].dimensions == tomap({ RuleName = "staging-jobs-failed-jobs" })
    error_message = "it counts what the rule matched"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["staging-jobs-failed-jobs"].event_pattern).detail == { jobQueue = ["arn:aws:batch:eu-central-1:123456789012:job-queue/one", "arn:aws:batch:eu-central-1:123456789012:job-queue/one"], status = ["FAILED"] }
    error_message = "failures in these queues"
  }

  assert {
    condition     = aws_cloudwatch_log_group.events["this"].name == "/aws/events/staging-jobs" && jsondecode(aws_cloudwatch_log_resource_policy.events["this"].policy_document).Statement[0].Principal.Service == ["delivery.logs.amazonaws.com", "events.amazonaws.com"]
    error_message = "EventBridge may write the reasons down"
  }
}

run "refuses_queue_without_environment" {
  command = plan
  variables {
    queues = { gpu = { priority = 1, compute = [] } }
  }
  expect_failures = [var.queues]
}

run "refuses_unknown_environment" {
  command = plan
  variables {
    queues = { gpu = { priority = 1, compute = ["moon"] } }
  }
  expect_failures = [var.queues]
}

run "refuses_mixed_environments" {
  command = plan
  variables {
    queues = { gpu = { priority = 1, compute = ["spot", "cpu"] } }
  }
  expect_failures = [var.queues]
}

run "refuses_odd_priority" {
  command = plan
  variables {
    queues = { gpu = { priority = 1001, compute = ["spot"] } }
  }
  expect_failures = [var.queues]
}

run "refuses_little_patience" {
  command = plan
  variables {
    queues = { gpu = { priority = 1, compute = ["spot"], patience_seconds = 60 } }
  }
  expect_failures = [var.queues]
}

run "refuses_bad_queue_name" {
  command = plan
  variables {
    queues = { GPU = { priority = 1, compute = ["spot"] } }
  }
  expect_failures = [var.queues]
}

run "refuses_bad_compute_name" {
  command = plan
  variables {
    compute = { spot = { kind = "gpu-spot", max_vcpus = 1, instance_types = ["g5.xlarge"] }, demand = { kind = "gpu-on-demand", max_vcpus = 1, instance_types = ["g5.xlarge"] }, cpu = { kind = "fargate", max_vcpus = 1 }, C_P_U = { kind = "fargate", max_vcpus = 1 } }
  }
  expect_failures = [var.compute]
}

run "refuses_bad_definition_name" {
  command = plan
  variables {
    job_definitions = { Train = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600 } }
  }
  expect_failures = [var.job_definitions]
}

run "refuses_odd_retention" {
  command = plan
  variables {
    logs = { retention_days = 31 }
  }
  expect_failures = [var.logs]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "Jobs"
  }
  expect_failures = [var.name]
}

run "refuses_network_without_https" {
  command = plan
  variables {
    network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1"], egress_ports = [80] }
  }
  expect_failures = [var.network]
}
