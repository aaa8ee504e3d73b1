terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # The bucket that this very root makes: glue deploy bootstrap applies a copy with a local state
  # first, and then moves that state here.
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      environment = var.environment
      managed-by  = "terraform"
      project     = "proving-ground"
      root        = "bootstrap"
    }
  }
}
