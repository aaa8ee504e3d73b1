variable "email_addresses" {
  description = "Who is told by mail, by name. Each address must confirm the mail AWS sends it."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for address in var.email_addresses : can(regex("^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$", address))])
    error_message = "email_addresses: write whole addresses, for example name@example.org."
  }
}

variable "is_temporary" {
  description = "Whether the key may go after a week instead of a month."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key of the topic, one that CloudWatch and EventBridge may use; null to have one made."
  type        = string
  default     = null
}

variable "metrics" {
  description = "Alarms by name: they sound when the metric's statistic over `period` seconds is above `threshold`."
  type = map(object({
    description = string
    metric      = string
    namespace   = optional(string, "ProvingGround")
    dimensions  = optional(map(string), {})
    statistic   = optional(string, "Sum")
    threshold   = optional(number, 0)
    period      = optional(number, 60)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for alarm in var.metrics : contains(["Average", "Maximum", "Minimum", "SampleCount", "Sum"], alarm.statistic)])
    error_message = "metrics: statistic is Average, Maximum, Minimum, SampleCount or Sum."
  }

  validation {
    condition     = alltrue([for alarm in var.metrics : alarm.period >= 60 && alarm.period <= 86400 && alarm.period % 60 == 0])
    error_message = "metrics: write a period of 60 to 86400 seconds, in whole minutes."
  }

  validation {
    condition     = alltrue([for alarm in var.metrics : length(alarm.description) > 20])
    error_message = "metrics: a description says what happened and what to do; write a sentence."
  }
}

variable "name" {
  description = "Name of the topic."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,256}$", var.name))
    error_message = "name: write 1 to 256 letters, digits, hyphens and underscores."
  }
}

variable "prefix" {
  description = "Stands before the name of every alarm."
  type        = string
  default     = ""
  nullable    = false
}
