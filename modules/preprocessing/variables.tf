variable "alarms" {
  description = "Where the queue's and the function's alarms go; null for none."
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
  description = "Name of the environment."
  type        = string
}

variable "logs" {
  description = "The function's log; what is left out or null takes the module function's default."
  type        = object({ level = optional(string), retention_days = optional(number), kms_key_arn = optional(string) })
  default     = null
}

variable "package" {
  description = "The function's code, as the module function takes it."
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

variable "raw" {
  description = "The bucket of raw data and its key (null for S3's own), as the module recordings puts them out."
  type        = object({ name = string, arn = string, kms_key_arn = optional(string) })
  nullable    = false
}

variable "storage" {
  description = <<-EOT
    How results are kept.
    - `processed_noncurrent_days`: days an object that was written over is kept.
    - `kms_key_arn`: null for keys that S3 manages. `access_log_bucket`: null for no access log.
  EOT
  type = object({
    processed_noncurrent_days = optional(number, 90)
    kms_key_arn               = optional(string)
    access_log_bucket         = optional(string)
  })
  default  = {}
  nullable = false
}

variable "work" {
  description = <<-EOT
    How hard the function works.
    - `memory_size` (MiB), `timeout` (s), `queue`: how the queue feeds it.
    - `max_receives`: attempts before a message becomes a dead letter, each six timeouts after the last.
    - `oldest_message_seconds`: how long a message may wait before an alarm sounds.
  EOT
  type = object({
    memory_size            = optional(number, 1024)
    timeout                = optional(number, 900)
    queue                  = optional(object({ batch_size = optional(number, 1), max_concurrency = optional(number, 10) }), {})
    max_receives           = optional(number, 5)
    oldest_message_seconds = optional(number, 3600)
  })
  default  = {}
  nullable = false
}
