variable "account_id" {
  description = "The AWS account this environment lives in. A plan with another account's credentials is refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id: write the account's twelve digits, in quotation marks."
  }
}

variable "alarms" {
  description = "Who is told of alarms by mail: address by name."
  type = object({
    email_addresses = optional(map(string), {})
  })
  default  = {}
  nullable = false
}

variable "api" {
  description = <<-EOT
    The HTTP API.
    - `allowed_addresses`: ranges that may call it; null for all.
    - `limits`: requests per second and day, see modules/api.
    - `token_minutes`: lifetime of a token.
    - `url_lifetime_seconds`: lifetime of a presigned address.
  EOT
  type = object({
    allowed_addresses = optional(set(string))
    limits = optional(object({
      rate            = optional(number)
      burst           = optional(number)
      token_rate      = optional(number)
      token_burst     = optional(number)
      key_rate        = optional(number)
      key_burst       = optional(number)
      key_daily_quota = optional(number)
    }))
    token_minutes        = optional(number, 60)
    url_lifetime_seconds = optional(number, 3600)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.api.url_lifetime_seconds >= 60 && var.api.url_lifetime_seconds <= 43200
    error_message = "api.url_lifetime_seconds: write 60 to 43200; an address dies with the function's credentials, hours after it was signed."
  }
}

variable "environment" {
  description = "Name of the environment and of its workspace: local, staging, prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.environment)) && var.environment != "default"
    error_message = "environment: write local, staging or prod (lower-case letters, digits and hyphens, not default)."
  }
}

variable "local" {
  description = "Facts of a cloud that is not AWS, given by the local cloud itself: its endpoint and its PostgreSQL. Null on AWS."
  type = object({
    endpoint = string
    catalogue = object({
      host     = string
      port     = number
      database = string
      user     = string
    })
  })
  default = null

  validation {
    condition     = (var.local == null) != (var.environment == "local")
    error_message = "local: goes with the environment local, and with no other; start it with make up, which writes the file for it."
  }
}

variable "logs" {
  description = "The functions' and the API's logs: days kept, lowest level written."
  type = object({
    level          = optional(string, "INFO")
    retention_days = optional(number, 30)
  })
  default  = {}
  nullable = false
}

variable "packages" {
  description = "Lambda packages as make package wrote them: paths, SHA-256 in base64, and what they were built for."
  type = object({
    code_path    = string
    code_hash    = string
    layer_path   = string
    layer_hash   = string
    runtime      = string
    architecture = string
  })
}

variable "prefix" {
  description = "Stands before every name, so that environments are told apart. May be empty."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]{0,24}-)?$", var.prefix))
    error_message = "prefix: write at most 26 lower-case letters, digits and hyphens ending with a hyphen, for example staging-; or nothing."
  }
}

variable "recordings" {
  description = <<-EOT
    The recordings' system. What is left out takes the modules' defaults.
    - `postgresql` or `redshift`: where the catalogue lies, see modules/catalogue. The local cloud brings its own.
      Redshift stands in the network's private subnets, behind a group that lets nobody in, unless others are named.
    - `processing_step`, `storage`, `work`: see modules/recordings and modules/preprocessing.
  EOT
  type = object({
    postgresql = optional(object({
      host     = string
      port     = optional(number)
      database = string
      user     = string
    }))
    redshift = optional(object({
      database           = optional(string)
      base_capacity      = optional(number)
      max_capacity       = optional(number)
      monthly_hours      = optional(number)
      breach_action      = optional(string)
      subnet_ids         = optional(set(string))
      security_group_ids = optional(set(string))
    }))
    processing_step = optional(object({
      name               = optional(string)
      version            = optional(string)
      kind               = optional(string)
      function_arn       = optional(string)
      job_queue_arn      = optional(string)
      job_definition_arn = optional(string)
    }))
    storage = optional(object({
      object_lock                = optional(object({ mode = string, days = number }))
      glacier_after_days         = optional(number)
      deep_archive_after_days    = optional(number)
      processed_noncurrent_days  = optional(number)
      break_glass_principal_arns = optional(set(string))
      kms_key_arn                = optional(string)
      access_log_bucket          = optional(string)
    }))
    work = optional(object({
      ingest = optional(object({
        memory_size = optional(number)
        timeout     = optional(number)
        queue       = optional(object({ batch_size = optional(number), max_concurrency = optional(number) }))
      }))
      preprocess = optional(object({
        memory_size = optional(number)
        timeout     = optional(number)
        queue       = optional(object({ batch_size = optional(number), max_concurrency = optional(number) }))
      }))
      reconcile = optional(object({
        memory_size            = optional(number)
        timeout                = optional(number)
        schedule               = optional(string)
        incomplete_after_hours = optional(number)
      }))
      max_receives           = optional(number)
      oldest_message_seconds = optional(number)
    }), {})
  })
  default  = {}
  nullable = false

  validation {
    condition = (
      var.recordings.redshift == null ? true :
      var.network != null || (var.recordings.redshift.subnet_ids != null && var.recordings.redshift.security_group_ids != null)
    )
    error_message = "recordings.redshift: write network as well, or name subnet_ids and security_group_ids; Redshift needs private subnets."
  }
}

variable "region" {
  description = "The home region."
  type        = string
  default     = "eu-central-1"
  nullable    = false
}
