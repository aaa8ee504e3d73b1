# The platform. Here stands what one environment consists of: systems and the ground they share,
# each a module, and how they are joined. Not here: what an account has once for all environments
# (its state bucket, its CI roles), further regions, and anything inside Kubernetes.

# Asked before anything is planned: is this the environment, and the account, that was meant?
data "aws_caller_identity" "current" {
  lifecycle {
    precondition {
      condition     = terraform.workspace == var.environment
      error_message = "The workspace is \"${terraform.workspace}\" but the variables are those of \"${var.environment}\": run make plan ENV=${var.environment}, which selects the right one."
    }

    postcondition {
      condition     = self.account_id == var.account_id
      error_message = "These are credentials of account ${self.account_id}, but ${var.environment} lives in ${var.account_id}: use that account's profile, or mend account_id in environments/${var.environment}.tfvars."
    }
  }
}

locals {
  # Local data is made up. Elsewhere nothing is deleted together with its environment.
  is_temporary = var.local != null

  tags = {
    environment = var.environment
    managed-by  = "terraform"
    project     = "proving-ground"
  }

  # By the folder of their handler, which is also the key of their settings in glue.
  functions = merge(module.recordings.functions, module.preprocessing.functions, {
    issue_token = module.issue_token.function
    serve_api   = module.serve_api.function
  })

  alarms = { topic_arn = module.alarms.topic_arn }
}
