# The whole platform with a provider that makes everything up. What it says is read by
# test_platform.py; the run itself proves that the root and its modules fit together.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_default_tags" {
    defaults = { tags = {} }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_resource "aws_api_gateway_rest_api" {
    defaults = { execution_arn = "arn:aws:execute-api:eu-central-1:000000000000:abc123" }
  }

  mock_resource "aws_batch_compute_environment" {
    defaults = { arn = "arn:aws:batch:eu-central-1:000000000000:compute-environment/one" }
  }

  mock_resource "aws_batch_job_definition" {
    defaults = {
      arn        = "arn:aws:batch:eu-central-1:000000000000:job-definition/one:7"
      arn_prefix = "arn:aws:batch:eu-central-1:000000000000:job-definition/one"
    }
  }

  mock_resource "aws_batch_job_queue" {
    defaults = { arn = "arn:aws:batch:eu-central-1:000000000000:job-queue/one" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-central-1:000000000000:rule/a-rule" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:a-log" }
  }

  mock_resource "aws_cognito_user_pool" {
    defaults = { id = "eu-central-1_example", arn = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_example" }
  }

  mock_resource "aws_eks_cluster" {
    defaults = {
      arn                   = "arn:aws:eks:eu-central-1:000000000000:cluster/local-platform"
      endpoint              = "https://example.eks.amazonaws.com"
      certificate_authority = [{ data = "ZXhhbXBsZQ==" }]
    }
  }

  mock_resource "aws_eks_node_group" {
    defaults = { resources = [{ autoscaling_groups = [{ name = "eks-example" }], remote_access_security_group_id = "" }] }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/a-role" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:000000000000:key/a-key" }
  }

  mock_resource "aws_lambda_function" {
    defaults = {
      arn        = "arn:aws:lambda:eu-central-1:000000000000:function:a-function"
      invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/a-function/invocations"
    }
  }

  mock_resource "aws_lambda_layer_version" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:000000000000:layer:libraries:1" }
  }

  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0a1b2c3d4e5f60001", latest_version = 1 }
  }

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::a-bucket" }
  }

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-catalogue-abcdef" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:000000000000:local-alarms" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:000000000000:a-queue", url = "http://localhost:4566/000000000000/a-queue" }
  }
}

# Repositories that EvalAI pushes to.
mock_provider "aws" {
  alias = "us_east_1"

  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
}

override_resource {
  target = module.recordings.module.raw.aws_s3_bucket.this
  values = { id = "local-recordings-raw-000000000000", arn = "arn:aws:s3:::raw" }
}

override_resource {
  target = module.preprocessing.module.processed.aws_s3_bucket.this
  values = { id = "local-recordings-processed-000000000000", arn = "arn:aws:s3:::processed" }
}

variables {
  packages = {
    code_path    = "code.zip"
    code_hash    = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    layer_path   = "layer.zip"
    layer_hash   = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    runtime      = "python3.12"
    architecture = "arm64"
  }

  local = {
    endpoint  = "http://127.0.0.1:4566"
    catalogue = { host = "127.0.0.1", port = 4510, database = "catalogue", user = "glue" }
  }
}

run "local" {}

run "refuses_another_environments_variables" {
  command = plan
  variables {
    environment = "staging"
    local       = null
    recordings  = { postgresql = { host = "db.example.org", database = "catalogue", user = "glue" } }
  }
  expect_failures = [data.aws_caller_identity.current]
}

run "refuses_another_account" {
  command = plan
  variables {
    account_id = "111111111111"
  }
  expect_failures = [data.aws_caller_identity.current]
}

run "refuses_local_facts_elsewhere" {
  command = plan
  variables {
    environment = "staging"
  }
  expect_failures = [var.local, data.aws_caller_identity.current]
}

run "refuses_bad_names" {
  command = plan
  variables {
    account_id = "12345"
    prefix     = "Local"
  }
  expect_failures = [var.account_id, var.prefix]
}

run "refuses_addresses_that_outlive_their_signer" {
  command = plan
  variables {
    api = { url_lifetime_seconds = 604800 }
  }
  expect_failures = [var.api]
}
