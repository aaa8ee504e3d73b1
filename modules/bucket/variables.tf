variable "abort_incomplete_uploads_days" {
  description = "Days after which the parts of an unfinished multipart upload are dropped."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.abort_incomplete_uploads_days >= 1
    error_message = "abort_incomplete_uploads_days: write a whole number of days from 1 up."
  }
}

variable "access_log" {
  description = "Where S3 writes its access log; null for none. The log bucket must let logging.s3.amazonaws.com write."
  type        = object({ bucket = string, prefix = optional(string, "") })
  default     = null
}

variable "is_temporary" {
  description = "Whether Terraform may delete the bucket with everything in it."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key for encryption at rest; null for keys that S3 manages."
  type        = string
  default     = null
}

variable "lifecycle_rules" {
  description = <<-EOT
    Rules by name.
    - `prefix`: which keys; empty for all.
    - `transitions`: storage class => days after creation.
    - `expire_days`: current versions end after so many days.
    - `noncurrent_expire_days`: overwritten or deleted versions end after so many days.
  EOT
  type = map(object({
    prefix                 = optional(string, "")
    transitions            = optional(map(number), {})
    expire_days            = optional(number)
    noncurrent_expire_days = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue(flatten([
      for rule in var.lifecycle_rules : [
        for class in keys(rule.transitions) :
        contains(["DEEP_ARCHIVE", "GLACIER", "GLACIER_IR", "INTELLIGENT_TIERING", "ONEZONE_IA", "STANDARD_IA"], class)
      ]
    ]))
    error_message = "lifecycle_rules: a transition's key is a storage class: DEEP_ARCHIVE, GLACIER, GLACIER_IR, INTELLIGENT_TIERING, ONEZONE_IA or STANDARD_IA."
  }

  validation {
    condition = alltrue([
      for rule in var.lifecycle_rules : alltrue([
        for class, days in rule.transitions : days >= 0 && (rule.expire_days == null ? true : days < rule.expire_days)
      ])
    ])
    error_message = "lifecycle_rules: write transitions in days from 0 up, each earlier than the rule's expire_days."
  }

  validation {
    condition = alltrue([
      for rule in var.lifecycle_rules :
      !contains(keys(rule.transitions), "GLACIER_IR") || !contains(keys(rule.transitions), "DEEP_ARCHIVE") ||
      lookup(rule.transitions, "DEEP_ARCHIVE", 0) >= lookup(rule.transitions, "GLACIER_IR", 0) + 90
    ])
    error_message = "lifecycle_rules: GLACIER_IR is billed for at least 90 days: write DEEP_ARCHIVE at least 90 days after it."
  }

  validation {
    condition = alltrue([
      for rule in var.lifecycle_rules :
      length(rule.transitions) > 0 || rule.expire_days != null || rule.noncurrent_expire_days != null
    ])
    error_message = "lifecycle_rules: a rule needs transitions, expire_days or noncurrent_expire_days; leave out one that does nothing."
  }
}

variable "name" {
  description = "Name of the bucket: unique in the world, so let it end with the account id."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name: write 3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit."
  }
}

variable "notifications" {
  description = "Who hears of changes: `queues` by name (events, key prefix and suffix), and EventBridge; null for nobody."
  type = object({
    eventbridge = optional(bool, false)
    queues = optional(map(object({
      arn    = string
      events = optional(set(string), ["s3:ObjectCreated:*"])
      prefix = optional(string)
      suffix = optional(string)
    })), {})
  })
  default = null
}

variable "object_lock" {
  description = "Default retention of every new version; null for none. COMPLIANCE binds even the account's root."
  type        = object({ mode = string, days = number })
  default     = null

  validation {
    condition     = var.object_lock == null ? true : contains(["GOVERNANCE", "COMPLIANCE"], var.object_lock.mode)
    error_message = "object_lock.mode: write GOVERNANCE or COMPLIANCE."
  }

  validation {
    condition     = var.object_lock == null ? true : var.object_lock.days >= 1 && var.object_lock.days <= 36500
    error_message = "object_lock.days: write a number of days from 1 to 36500."
  }
}

variable "readers" {
  description = "AWS services that may read every object, by name: the service and the ARN it acts for. Roles read by their own policies."
  type        = map(object({ service = string, source_arn = string }))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.readers) : can(regex("^[a-z][a-z0-9-]*$", name))])
    error_message = "readers: name each with lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for reader in var.readers : endswith(reader.service, ".amazonaws.com")])
    error_message = "readers: service is a principal such as cloudfront.amazonaws.com."
  }
}

variable "write_once" {
  description = <<-EOT
    Makes every object final; null for an ordinary bucket. Each write must carry `If-None-Match`, and nobody deletes.
    - `break_glass_principal_arns`: principals (patterns allowed) who may delete all the same.
    - `settings_denied_to`: principals (patterns) who may not touch the bucket's own settings, whatever their policies say.
  EOT
  type = object({
    break_glass_principal_arns = optional(set(string), [])
    settings_denied_to         = optional(set(string), [])
  })
  default = null

  validation {
    condition = var.write_once == null ? true : alltrue([
      for arn in setunion(var.write_once.break_glass_principal_arns, var.write_once.settings_denied_to) :
      startswith(arn, "arn:")
    ])
    error_message = "write_once: write whole ARNs, for example arn:aws:iam::123456789012:role/break-glass."
  }
}
