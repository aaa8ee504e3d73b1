# An environment on AWS, planned from its example file: test_platform.py says which.
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "ACCOUNT" }
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
}

mock_provider "aws" {
  alias = "us_east_1"

  mock_data "aws_caller_identity" {
    defaults = { account_id = "ACCOUNT" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
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
}

run "example" {
  command = plan

  assert {
    condition     = output.environment == terraform.workspace && output.region == "eu-central-1"
    error_message = "the file is that environment's, at home"
  }

  assert {
    condition     = output.recordings.catalogue_secret_arn == null && jsondecode(local.catalogue.settings).engine == "redshift"
    error_message = "the catalogue lies on Redshift"
  }

  assert {
    condition     = local.is_temporary == false && var.recordings.storage.object_lock.mode == "GOVERNANCE"
    error_message = "nothing goes with the environment; a beginner's lock can be lifted"
  }

  assert {
    condition     = length(var.alarms.email_addresses) > 0 && length(output.alarms.names) > 10
    error_message = "somebody is told"
  }
}
