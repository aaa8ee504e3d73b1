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

  mock_resource "aws_cloudfront_distribution" {
    defaults = {
      id          = "E1EXAMPLE"
      arn         = "arn:aws:cloudfront::000000000000:distribution/E1EXAMPLE"
      domain_name = "d111111abcdef8.cloudfront.net"
    }
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

  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:eu-central-1:000000000000:stateMachine:a-machine" }
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

# EKS keeps one entry for each principal, so their roles must differ.
override_resource {
  target = module.leaderboard["leaderboard-10"].module.function["run_submission"].aws_iam_role.this
  values = { arn = "arn:aws:iam::000000000000:role/local-leaderboard-10-run" }
}

override_resource {
  target = module.leaderboard["leaderboard-10"].module.function["reconcile_submissions"].aws_iam_role.this
  values = { arn = "arn:aws:iam::000000000000:role/local-leaderboard-10-reconcile" }
}

override_resource {
  target = module.leaderboard["leaderboard-20"].module.function["run_submission"].aws_iam_role.this
  values = { arn = "arn:aws:iam::000000000000:role/local-leaderboard-20-run" }
}

override_resource {
  target = module.leaderboard["leaderboard-20"].module.function["reconcile_submissions"].aws_iam_role.this
  values = { arn = "arn:aws:iam::000000000000:role/local-leaderboard-20-reconcile" }
}

override_resource {
  target = module.leaderboard["leaderboard-30"].module.function["run_submission"].aws_iam_role.this
  values = { arn = "arn:aws:iam::000000000000:role/local-leaderboard-30-run" }
}

override_resource {
  target = module.leaderboard["leaderboard-30"].module.function["reconcile_submissions"].aws_iam_role.this
  values = { arn = "arn:aws:iam::000000000000:role/local-leaderboard-30-reconcile" }
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
    environment  = "staging"
    leaderboards = {}
    local        = null
    recordings   = { postgresql = { host = "db.example.org", database = "catalogue", user = "glue" } }
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

run "refuses_leaderboards_without_cluster" {
  command = plan
  variables {
    cluster = null
  }
  expect_failures = [var.leaderboards]
}

run "refuses_leaderboards_without_images" {
  command = plan
  variables {
    registry = { home = { simulator = { description = "The CARLA simulator." } } }
  }
  expect_failures = [var.leaderboards]
}

# Three workers take six GPUs, and the largest nodes have four.
run "refuses_submissions_that_fit_no_node" {
  command = plan
  variables {
    leaderboards = { leaderboard-10 = { evaluation = { version = "1.0", routes = 36 }, workers = 3 } }
  }
  expect_failures = [var.leaderboards]
}

run "refuses_leaderboards_behind_long_prefixes" {
  command = plan
  variables {
    prefix = "a-prefix-that-is-23-ch-"
  }
  expect_failures = [var.leaderboards]
}

run "refuses_leaderboards_that_cannot_reach_evalai" {
  command = plan
  variables {
    environment = "staging"
    local       = null
    recordings  = { postgresql = { host = "db.example.org", database = "catalogue", user = "glue" } }
  }
  expect_failures = [var.leaderboards, data.aws_caller_identity.current]
}

run "refuses_repositories_of_everybody" {
  command = plan
  variables {
    evalai = { image_repositories = ["*"] }
  }
  expect_failures = [var.evalai]
}

run "refuses_nowhere_to_push_to" {
  command = plan
  variables {
    registry = { us_east_1 = {} }
  }
  expect_failures = [var.evalai]
}

run "nothing_of_evalai_without_a_leaderboard" {
  command = plan
  variables {
    leaderboards = {}
  }

  assert {
    condition     = output.leaderboards == {} && output.evalai == null
    error_message = "glue sees none"
  }

  assert {
    condition     = length(aws_iam_user.evalai) + length(aws_secretsmanager_secret.evalai) + length(module.contents) + length(module.evalai_budget) + length(aws_security_group.leaderboards) == 0
    error_message = "and nothing is paid for"
  }
}

# One entry of the map, and nothing else: test_platform.py compares what it makes.
run "a_third_leaderboard" {
  variables {
    leaderboards = {
      leaderboard-10 = { evaluation = { version = "1.0", routes = 36 } }
      leaderboard-20 = { evaluation = { version = "2.0", routes = 25 }, workers = 2 }
      leaderboard-30 = { evaluation = { format = "generic", routes = 10, labels = ["Score"] } }
    }
  }
}
