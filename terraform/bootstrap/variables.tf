variable "account_id" {
  description = "The AWS account of this environment. A plan with another account's credentials is refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id: write the account's twelve digits, in quotation marks."
  }
}

variable "ci" {
  description = <<-EOT
    Roles for GitHub Actions; null for none.
    - `repository`: the one that may take them on, as owner/name.
    - `branch`: the branch whose own runs may plan, beside pull requests.
    - `oidc_provider_arn`: GitHub's identity provider, where the account has it already; it can have only one.
  EOT
  type = object({
    repository        = string
    branch            = optional(string, "main")
    oidc_provider_arn = optional(string)
  })
  default = null

  validation {
    condition     = var.ci == null ? true : can(regex("^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}/[A-Za-z0-9._-]{1,100}$", var.ci.repository))
    error_message = "ci.repository: write owner/name, as in the repository's address on GitHub, without wildcards."
  }

  validation {
    condition     = var.ci == null ? true : can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$", var.ci.branch))
    error_message = "ci.branch: write one branch's name, for example main, without wildcards."
  }

  validation {
    condition     = try(var.ci.oidc_provider_arn, null) == null ? true : endswith(var.ci.oidc_provider_arn, ":oidc-provider/token.actions.githubusercontent.com")
    error_message = "ci.oidc_provider_arn: write arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com with this account's id."
  }
}

variable "environment" {
  description = "Name of the environment: staging, prod. It is also that of GitHub's environment."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.environment)) && !contains(["default", "local"], var.environment)
    error_message = "environment: write staging or prod (lower-case letters, digits and hyphens); local and default need no bootstrap."
  }
}

variable "old_versions_days" {
  description = "Days that old versions of states, and their backups, are kept."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.old_versions_days >= 30
    error_message = "old_versions_days: write 30 or more; damage to a state is often found late."
  }
}

variable "region" {
  description = "Region of the states' bucket, and the one that applies may work in (beside us-east-1)."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: write a region such as eu-central-1."
  }
}
