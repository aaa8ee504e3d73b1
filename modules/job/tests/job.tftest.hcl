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

  mock_resource "aws_batch_job_definition" {
    defaults = {
      arn        = "arn:aws:batch:eu-central-1:123456789012:job-definition/staging-jobs-denoise:7"
      arn_prefix = "arn:aws:batch:eu-central-1:123456789012:job-definition/staging-jobs-denoise"
    }
  }
}

variables {
  name      = "staging-jobs-denoise"
  log_group = { name = "jobs", arn = "arn:aws:logs:eu-central-1:123456789012:log-group:jobs" }
  job       = { image = "public.ecr.aws/docker/library/python:3.13", vcpus = 1, memory_mib = 2048, timeout_seconds = 600 }
}

run "on_fargate" {
  command = plan

  assert {
    condition     = aws_batch_job_definition.this.platform_capabilities == toset(["FARGATE"]) && local._container.runtimePlatform.cpuArchitecture == "X86_64"
    error_message = "without GPUs it is for Fargate"
  }

  assert {
    condition     = local._container.networkConfiguration.assignPublicIp == "DISABLED"
    error_message = "no job has a public address"
  }

  assert {
    condition     = local._container.logConfiguration.options == { awslogs-group = "jobs", awslogs-region = "eu-central-1", awslogs-stream-prefix = "staging-jobs-denoise" }
    error_message = "the log is the common one"
  }

  assert {
    condition     = aws_batch_job_definition.this.retry_strategy[0].attempts == 3 && [for condition in aws_batch_job_definition.this.retry_strategy[0].evaluate_on_exit : lower(condition.action)] == ["retry", "retry", "retry", "retry", "exit"]
    error_message = "interruptions are tried again, and nothing else"
  }

  assert {
    condition     = length(aws_iam_role_policy.job) == 0 && [for statement in local._execution_statements : statement.Sid] == ["WriteLog"]
    error_message = "a job without statements has no rights, and a public image needs no log in"
  }

  assert {
    condition = jsondecode(aws_iam_role.job.assume_role_policy).Statement[0].Condition == {
      StringEquals = { "aws:SourceAccount" = "123456789012" }
      ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:eu-central-1:123456789012:*" }
    }
    error_message = "for tasks of this account only"
  }

  assert {
    condition     = output.job_definition.arn != output.job_definition.family_arn && output.job_role_arn == "arn:aws:iam::123456789012:role/a-role"
    error_message = "with and without the revision"
  }
}

run "with_gpus" {
  command = plan

  variables {
    job = { image = "python@sha256:0000000000000000000000000000000000000000000000000000000000000000", vcpus = 4, memory_mib = 15000, gpus = 1, timeout_seconds = 600, attempts = 5, retry_on = "failure" }
  }

  assert {
    condition     = aws_batch_job_definition.this.platform_capabilities == toset(["EC2"]) && local._requirements[2] == { type = "GPU", value = "1" } && !can(local._container.networkConfiguration)
    error_message = "with GPUs it is for instances"
  }

  assert {
    condition     = aws_batch_job_definition.this.retry_strategy[0].attempts == 5 && length(aws_batch_job_definition.this.retry_strategy[0].evaluate_on_exit) == 0
    error_message = "every failure is tried again"
  }
}

run "with_everything" {
  command = plan

  variables {
    job = {
      image           = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/denoise:1.4.0"
      command         = ["--strength", "Ref::strength"]
      parameters      = { strength = "3" }
      vcpus           = 0.25
      memory_mib      = 512
      architecture    = "arm64"
      disk_gib        = 50
      timeout_seconds = 60
      attempts        = 1
      environment     = { LOG_LEVEL = "INFO" }
      secrets = {
        KEY   = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:one-AbCdEf:key::"
        OTHER = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:one-AbCdEf"
        LEVEL = "arn:aws:ssm:eu-central-1:123456789012:parameter/level"
      }
      policy_statements = {
        read_raw = { actions = ["s3:GetObject"], resources = ["arn:aws:s3:::raw/*"], condition = { StringEquals = { "s3:ExistingObjectTag/open" = ["yes"] } } }
      }
    }
  }

  assert {
    condition     = local._container.environment == [{ name = "LOG_LEVEL", value = "INFO" }] && local._container.ephemeralStorage.sizeInGiB == 50 && local._container.runtimePlatform.cpuArchitecture == "ARM64"
    error_message = "all of it in the words of the API"
  }

  assert {
    condition     = [for secret in local._container.secrets : secret.name] == ["KEY", "LEVEL", "OTHER"]
    error_message = "secrets by reference"
  }

  assert {
    condition = jsonencode({ for statement in local._execution_statements : statement.Sid => statement.Resource }) == jsonencode({
      WriteLog           = ["arn:aws:logs:eu-central-1:123456789012:log-group:jobs:*"]
      LogInToRegistry    = ["*"]
      FetchImage         = ["arn:aws:ecr:eu-central-1:123456789012:repository/team/denoise"]
      ReadSecretsmanager = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:one-AbCdEf"]
      ReadSsm            = ["arn:aws:ssm:eu-central-1:123456789012:parameter/level"]
    })
    error_message = "that image, those secrets, that log"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.job["this"].policy).Statement == [{ Sid = "ReadRaw", Effect = "Allow", Action = ["s3:GetObject"], Resource = ["arn:aws:s3:::raw/*"], Condition = { StringEquals = { "s3:ExistingObjectTag/open" = ["yes"] } } }]
    error_message = "the job may do what is granted"
  }

  assert {
    condition     = aws_batch_job_definition.this.retry_strategy[0].attempts == 1 && length(aws_batch_job_definition.this.retry_strategy[0].evaluate_on_exit) == 0
    error_message = "one attempt needs no conditions"
  }
}

run "refuses_image_without_tag" {
  command = plan
  variables {
    job = { image = "python", vcpus = 1, memory_mib = 2048, timeout_seconds = 600 }
  }
  expect_failures = [var.job]
}

run "refuses_image_latest" {
  command = plan
  variables {
    job = { image = "python:latest", vcpus = 1, memory_mib = 2048, timeout_seconds = 600 }
  }
  expect_failures = [var.job]
}

run "refuses_odd_fargate_size" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 1000, timeout_seconds = 600 }
  }
  expect_failures = [var.job]
}

run "refuses_odd_vcpus" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 3, memory_mib = 2048, timeout_seconds = 600 }
  }
  expect_failures = [var.job]
}

run "refuses_half_a_gpu" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600, gpus = 0.5 }
  }
  expect_failures = [var.job]
}

run "refuses_unknown_architecture" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600, architecture = "mips" }
  }
  expect_failures = [var.job]
}

run "refuses_arm_with_gpus" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600, gpus = 1, architecture = "arm64" }
  }
  expect_failures = [var.job]
}

run "refuses_disk_with_gpus" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600, gpus = 1, disk_gib = 50 }
  }
  expect_failures = [var.job]
}

run "refuses_small_disk" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600, disk_gib = 20 }
  }
  expect_failures = [var.job]
}

run "refuses_short_timeout" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 59 }
  }
  expect_failures = [var.job]
}

run "refuses_many_attempts" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600, attempts = 11 }
  }
  expect_failures = [var.job]
}

run "refuses_unknown_reason_to_retry" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600, retry_on = "monday" }
  }
  expect_failures = [var.job]
}

run "refuses_name_of_batch_itself" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600, environment = { AWS_BATCH_JOB_ID = "x" } }
  }
  expect_failures = [var.job]
}

run "refuses_secret_that_is_no_arn" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600, secrets = { KEY = "one" } }
  }
  expect_failures = [var.job]
}

run "refuses_wildcard_action" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600, policy_statements = { all = { actions = ["s3:*"], resources = ["*"] } } }
  }
  expect_failures = [var.job]
}

run "refuses_statement_without_resource" {
  command = plan
  variables {
    job = { image = "python:3", vcpus = 1, memory_mib = 2048, timeout_seconds = 600, policy_statements = { none = { actions = ["s3:GetObject"], resources = [] } } }
  }
  expect_failures = [var.job]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "denoise_"
  }
  expect_failures = [var.name]
}
