variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
  nullable    = false
}

variable "name" {
  description = "Name of the role."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.name))
    error_message = "name: write 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "policy_statements" {
  description = "What the pods may do, by name: actions, resources, and conditions as operator => key => values."
  type = map(object({
    actions   = set(string)
    resources = set(string)
    condition = optional(map(map(list(string))), {})
  }))
  nullable = false

  validation {
    condition     = length(var.policy_statements) > 0 && alltrue([for name in keys(var.policy_statements) : can(regex("^[a-z][a-z0-9_]*$", name))])
    error_message = "policy_statements: write at least one, with a name in lower-case letters, digits and underscores."
  }

  validation {
    condition = alltrue(flatten([
      for statement in var.policy_statements : [for action in statement.actions : can(regex("^[a-z0-9-]+:[A-Z][A-Za-z0-9]+$", action))]
    ]))
    error_message = "policy_statements: name each action in full, for example s3:GetObject; patterns grant what nobody read."
  }

  validation {
    condition     = alltrue([for statement in var.policy_statements : length(statement.actions) > 0 && length(statement.resources) > 0])
    error_message = "policy_statements: each needs at least one action and one resource."
  }
}

variable "service_account" {
  description = "The service account whose pods get the role: its namespace and name."
  type        = object({ namespace = string, name = string })
  nullable    = false

  validation {
    condition     = alltrue([for part in values(var.service_account) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", part))])
    error_message = "service_account: write names of lower-case letters, digits and hyphens."
  }

  validation {
    condition     = var.service_account.namespace != "jobs"
    error_message = "service_account.namespace: write another than jobs; strangers' code runs there and has no identity."
  }
}
