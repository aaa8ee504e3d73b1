variable "alarms" {
  description = <<-EOT
    Alarms sent to `topic_arn`; null for none.
    - `failed_percent`, `failed_least`: more of a hundred submissions failed within six hours, and at least so many did.
  EOT
  type = object({
    topic_arn      = string
    failed_percent = optional(number, 50)
    failed_least   = optional(number, 3)
  })
  default = null

  validation {
    condition     = var.alarms == null ? true : var.alarms.failed_percent > 0 && var.alarms.failed_percent < 100
    error_message = "alarms.failed_percent: write a number above 0 and below 100."
  }

  validation {
    condition     = var.alarms == null ? true : var.alarms.failed_least >= 1
    error_message = "alarms.failed_least: write 1 or more submissions."
  }
}

variable "environment" {
  description = "Name of the environment, a dimension of what the functions count."
  type        = string
}

variable "functions" {
  description = "The functions by what they do: name, log group."
  type        = map(object({ name = string, log_group = string }))
  nullable    = false
}

variable "leaderboard" {
  description = "Name of the leaderboard, the other dimension."
  type        = string
}

variable "name" {
  description = "Name of the dashboard; the alarms' names begin with it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,200}$", var.name))
    error_message = "name: write 1 to 200 letters, digits, hyphens and underscores."
  }
}

variable "queues" {
  description = "Names of the queue and of its dead letters' queue."
  type        = object({ queue = string, dead_letters = string })
  nullable    = false
}

variable "state_machine_arn" {
  description = "The state machine whose executions are shown."
  type        = string
}
