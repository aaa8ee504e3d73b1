variable "alarms" {
  description = "Alarms for executions that failed, took too long or were aborted within five minutes, sent to `topic_arn`; null for none."
  type        = object({ topic_arn = string, max_failures = optional(number, 0) })
  default     = null

  validation {
    condition     = var.alarms == null ? true : var.alarms.max_failures >= 0
    error_message = "alarms.max_failures: write 0 or more."
  }
}

variable "definition" {
  description = "The states, as text in Amazon States Language. Each state that can fail for reasons outside should have Retry and Catch."
  type        = string
  nullable    = false

  validation {
    condition     = can(jsondecode(var.definition).States[jsondecode(var.definition).StartAt])
    error_message = "definition: write JSON in Amazon States Language whose StartAt names one of its States; templatefile renders a file of it."
  }
}

variable "function_arns" {
  description = "Functions that the state machine may call, by name: whole ARNs."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.function_arns) > 0
    error_message = "function_arns: write at least one function; a state machine that calls nothing does nothing."
  }

  validation {
    condition     = alltrue([for arn in var.function_arns : can(regex("^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+$", arn))])
    error_message = "function_arns: write whole ARNs without a version, for example arn:aws:lambda:eu-central-1:123456789012:function:staging-run."
  }
}

variable "is_recursive" {
  description = "Whether the state machine may start further executions of itself: a long execution carries on in another before its history is full."
  type        = bool
  default     = false
  nullable    = false
}

variable "logs" {
  description = "The log: days kept, which events (ALL, ERROR, FATAL, OFF), KMS key (null for CloudWatch's own)."
  type = object({
    level          = optional(string, "ERROR")
    retention_days = optional(number, 30)
    kms_key_arn    = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["ALL", "ERROR", "FATAL", "OFF"], var.logs.level)
    error_message = "logs.level: write ALL, ERROR, FATAL or OFF."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logs.retention_days)
    error_message = "logs.retention_days: CloudWatch knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653 days."
  }
}

variable "name" {
  description = "Name of the state machine, of its role (with -states) and, behind /aws/vendedlogs/states/, of its log group."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,57}$", var.name))
    error_message = "name: write 1 to 57 letters, digits, hyphens and underscores (64 with -states)."
  }
}
