variable "alarms" {
  description = "Where the queue's and the functions' alarms go; null for none."
  type        = object({ topic_arn = string })
  default     = null
}

variable "catalogue" {
  description = "The catalogue, as the module catalogue puts it out."
  type = object({
    settings          = string
    policy_statements = map(object({ actions = set(string), resources = set(string), condition = optional(map(map(list(string))), {}) }))
    role_tags         = optional(map(string), {})
  })
  nullable = false
}

variable "environment" {
  description = "Name of the environment: the functions' own, and the dimension of their metrics."
  type        = string
}

variable "is_temporary" {
  description = "Whether raw data may be deleted with the environment. Only where it was made up."
  type        = bool
  default     = false
  nullable    = false
}

variable "logs" {
  description = "The functions' logs; what is left out or null takes the module function's default."
  type        = object({ level = optional(string), retention_days = optional(number), kms_key_arn = optional(string) })
  default     = null
}

variable "package" {
  description = "The functions' code, as the module function takes it."
  type        = object({ path = string, hash = string, layers = list(string), runtime = string, architecture = string })
  nullable    = false
}

variable "prefix" {
  description = "Stands before every name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]{0,24}-)?$", var.prefix))
    error_message = "prefix: write at most 26 lower-case letters, digits and hyphens ending with a hyphen, for example staging-; or nothing."
  }
}

variable "preprocess_queue" {
  description = "Where ingest sends the names of recordings that are complete."
  type        = object({ arn = string, url = string })
  nullable    = false
}

variable "storage" {
  description = <<-EOT
    How raw data is kept.
    - `object_lock`: default retention; null for one year of GOVERNANCE.
    - `glacier_after_days`, `deep_archive_after_days`: when it moves to cheaper classes.
    - `break_glass_principal_arns`: who may delete it all the same.
    - `kms_key_arn`: null for keys that S3 manages. `access_log_bucket`: null for no access log.
  EOT
  type = object({
    object_lock                = optional(object({ mode = string, days = number }), { mode = "GOVERNANCE", days = 365 })
    glacier_after_days         = optional(number, 30)
    deep_archive_after_days    = optional(number, 180)
    break_glass_principal_arns = optional(set(string), [])
    kms_key_arn                = optional(string)
    access_log_bucket          = optional(string)
  })
  default  = {}
  nullable = false
}

variable "work" {
  description = <<-EOT
    How hard the functions work.
    - `ingest`, `reconcile`: memory (MiB), timeout (s), and how the queue feeds it or how often it runs.
    - `max_receives`: attempts before a message becomes a dead letter, each six timeouts after the last.
    - `oldest_message_seconds`: how long a message may wait before an alarm sounds.
  EOT
  type = object({
    ingest = optional(object({
      memory_size = optional(number, 1024)
      timeout     = optional(number, 300)
      queue       = optional(object({ batch_size = optional(number, 10), max_concurrency = optional(number, 10) }), {})
    }), {})
    reconcile = optional(object({
      memory_size            = optional(number, 512)
      timeout                = optional(number, 300)
      schedule               = optional(string, "rate(1 hour)")
      incomplete_after_hours = optional(number, 24)
    }), {})
    max_receives           = optional(number, 5)
    oldest_message_seconds = optional(number, 3600)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.work.reconcile.incomplete_after_hours > 0
    error_message = "work.reconcile.incomplete_after_hours: write a number of hours above 0."
  }
}
