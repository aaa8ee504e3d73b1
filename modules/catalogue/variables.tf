variable "is_temporary" {
  description = "Whether the secret may go at once, without thirty days to change one's mind."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key for the secret or the namespace; null for AWS's own."
  type        = string
  default     = null
}

variable "postgresql" {
  description = "A PostgreSQL that is there already; null when the catalogue is on Redshift."
  type = object({
    host     = string
    port     = optional(number, 5432)
    database = string
    user     = string
  })
  default = null

  validation {
    condition     = (var.postgresql == null) != (var.redshift == null)
    error_message = "postgresql, redshift: write exactly one of the two."
  }

  validation {
    condition     = var.postgresql == null ? true : var.postgresql.port >= 1 && var.postgresql.port <= 65535
    error_message = "postgresql.port: write 1 to 65535."
  }
}

variable "prefix" {
  description = "Stands before every name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]{0,30}-)?$", var.prefix))
    error_message = "prefix: write lower-case letters, digits and hyphens ending with a hyphen, for example staging-; or nothing."
  }
}

variable "redshift" {
  description = <<-EOT
    A Redshift Serverless to be made; null when the catalogue is on PostgreSQL.
    - `base_capacity`, `max_capacity`: RPU. It is paid by the second of work and costs nothing asleep.
    - `monthly_hours`: RPU hours a month, and `breach_action` beyond them: log, emit-metric or deactivate.
    - `subnet_ids`, `security_group_ids`: private subnets in three zones (two for up to 8 RPU); no way in is needed, functions use the Data API.
  EOT
  type = object({
    database           = optional(string, "catalogue")
    base_capacity      = optional(number, 4)
    max_capacity       = optional(number, 8)
    monthly_hours      = optional(number, 60)
    breach_action      = optional(string, "emit-metric")
    subnet_ids         = set(string)
    security_group_ids = set(string)
  })
  default = null

  validation {
    condition     = var.redshift == null ? true : contains([4, 8], var.redshift.base_capacity)
    error_message = "redshift.base_capacity: write 4 or 8; a catalogue of recordings needs no more."
  }

  validation {
    condition     = var.redshift == null ? true : var.redshift.max_capacity >= var.redshift.base_capacity && var.redshift.max_capacity % 4 == 0
    error_message = "redshift.max_capacity: write a multiple of 4 that is not below base_capacity."
  }

  validation {
    condition     = var.redshift == null ? true : contains(["log", "emit-metric", "deactivate"], var.redshift.breach_action)
    error_message = "redshift.breach_action: write log, emit-metric or deactivate."
  }

  validation {
    condition     = var.redshift == null ? true : var.redshift.monthly_hours >= 1
    error_message = "redshift.monthly_hours: write 1 or more."
  }

  validation {
    condition     = var.redshift == null ? true : length(var.redshift.subnet_ids) >= 2 && length(var.redshift.security_group_ids) >= 1
    error_message = "redshift: write at least two subnet_ids, in different zones, and one of security_group_ids."
  }

  validation {
    condition     = var.redshift == null ? true : can(regex("^[a-z][a-z0-9_]{0,63}$", var.redshift.database))
    error_message = "redshift.database: write lower-case letters, digits and underscores, beginning with a letter."
  }
}
