# What an account has once, before anything else: the bucket of Terraform's states with its key,
# and the roles that CI takes on. Not here: whatever belongs to the platform, which can be
# destroyed and made again while this stays.

data "aws_partition" "current" {}

# Asked before anything is planned: is this the account that was meant?
data "aws_caller_identity" "current" {
  lifecycle {
    precondition {
      condition     = terraform.workspace == "default"
      error_message = "The workspace is \"${terraform.workspace}\", but an account is bootstrapped once: run glue deploy bootstrap --env ${var.environment}, which uses the default workspace."
    }

    postcondition {
      condition     = self.account_id == var.account_id
      error_message = "These are credentials of account ${self.account_id}, but ${var.environment} lives in ${var.account_id}: use that account's profile, or mend account_id in the environment's tfvars file."
    }
  }
}

locals {
  # From the answer, not from the variable: nothing is made before the question above is settled.
  _account_id = data.aws_caller_identity.current.account_id
  _partition  = data.aws_partition.current.partition
  _iam        = "arn:${local._partition}:iam::${local._account_id}"
}
