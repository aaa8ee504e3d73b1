terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Bucket, key and region come from a generated file: glue deploy plan writes and uses it.
  backend "s3" {}
}

# No endpoints: against the local cloud the provider, like boto3, follows AWS_ENDPOINT_URL.
provider "aws" {
  region = var.region

  s3_use_path_style           = var.local != null
  skip_credentials_validation = var.local != null
  skip_metadata_api_check     = var.local != null

  # The emulator's errors are final; AWS's often are not.
  max_retries = var.local == null ? 25 : 2

  default_tags {
    tags = local.tags
  }
}

# What must be in us-east-1, wherever home is.
provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"

  s3_use_path_style           = var.local != null
  skip_credentials_validation = var.local != null
  skip_metadata_api_check     = var.local != null
  max_retries                 = var.local == null ? 25 : 2

  default_tags {
    tags = local.tags
  }
}
