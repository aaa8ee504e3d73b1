variable "alarms" {
  description = "Where the queues' and functions' alarms go; null for none."
  type = object({
    topic_arn = string
  })
  default = null
}

variable "catalogue" {
  description = "The catalogue as the module catalogue puts it out: settings (JSON), policy statements, role tags."
  type = object({
    settings = string
    policy_statements = map(object({
      actions   = set(string)
      resources = set(string)
      condition = optional(map(map(list(string))), {})
    }))
    role_tags = optional(map(string), {})
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
  description = "The functions' logs: days kept, lowest level written, KMS key (null for CloudWatch's own)."
  type = object({
    level          = optional(string, "INFO")
    retention_days = optional(number, 30)
    kms_key_arn    = optional(string)
  })
  default  = {}
  nullable = false
}

variable "package" {
  description = "The functions' code, as the module function takes it."
  type = object({
    path         = string
    hash         = string
    layers       = list(string)
    runtime      = string
    architecture = string
  })
  nullable = false
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

variable "processing_step" {
  description = <<-EOT
    What is done with each new recording.
    - `name`, `version`: its results lie under <recording>/<name>-<version>/; a new version leaves the old results alone.
    - `kind`: copy; function, with `function_arn`; or batch, with `job_queue_arn` and `job_definition_arn`.
  EOT
  type = object({
    name               = optional(string, "copy")
    version            = optional(string, "1")
    kind               = optional(string, "copy")
    function_arn       = optional(string)
    job_queue_arn      = optional(string)
    job_definition_arn = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["copy", "function", "batch"], var.processing_step.kind)
    error_message = "processing_step.kind: write copy, function or batch."
  }

  validation {
    condition = (
      can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$", var.processing_step.name)) &&
      can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$", var.processing_step.version))
    )
    error_message = "processing_step: write a name and a version of letters, digits, hyphens and underscores (the version also dots); they become part of a key."
  }

  validation {
    condition     = (var.processing_step.kind == "function") == (var.processing_step.function_arn != null)
    error_message = "processing_step: function_arn goes with the kind function, and with no other."
  }

  validation {
    condition = alltrue([
      for arn in [var.processing_step.job_queue_arn, var.processing_step.job_definition_arn] :
      (var.processing_step.kind == "batch") == (arn != null)
    ])
    error_message = "processing_step: job_queue_arn and job_definition_arn go with the kind batch, both, and with no other."
  }
}

variable "storage" {
  description = <<-EOT
    How recordings are kept.
    - `object_lock`: default retention of raw data; null for none.
    - `glacier_after_days`, `deep_archive_after_days`: when raw data moves to cheaper classes.
    - `processed_noncurrent_days`: days a processed object that was written over is kept.
    - `break_glass_principal_arns`: who may delete raw data all the same.
    - `kms_key_arn`: null for keys that S3 manages. `access_log_bucket`: null for no access log.
  EOT
  type = object({
    object_lock                = optional(object({ mode = string, days = number }), { mode = "GOVERNANCE", days = 365 })
    glacier_after_days         = optional(number, 30)
    deep_archive_after_days    = optional(number, 180)
    processed_noncurrent_days  = optional(number, 90)
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
    - `ingest`, `preprocess`, `reconcile`: memory (MiB), timeout (s), and how the queue feeds it.
    - `max_receives`: attempts before a message becomes a dead letter, each six timeouts after the last.
    - `oldest_message_seconds`: how long a message may wait before an alarm sounds.
  EOT
  type = object({
    ingest = optional(object({
      memory_size = optional(number, 1024)
      timeout     = optional(number, 300)
      queue       = optional(object({ batch_size = optional(number, 10), max_concurrency = optional(number, 10) }), {})
    }), {})
    preprocess = optional(object({
      memory_size = optional(number, 1024)
      timeout     = optional(number, 900)
      queue       = optional(object({ batch_size = optional(number, 1), max_concurrency = optional(number, 10) }), {})
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
