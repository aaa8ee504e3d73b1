variable "alarms" {
  description = "Alarms for any dead letter and for a message that waits too long, sent to `topic_arn`; null for none."
  type = object({
    topic_arn              = string
    oldest_message_seconds = optional(number, 900)
  })
  default = null

  validation {
    condition     = var.alarms == null ? true : var.alarms.oldest_message_seconds >= 60
    error_message = "alarms.oldest_message_seconds: write 60 or more; SQS reports the age once a minute."
  }
}

variable "delivery" {
  description = <<-EOT
    How messages reach their consumer.
    - `consumer_timeout`: seconds the consumer may work on one batch (a function's timeout).
    - `visibility_timeout`: seconds a message stays hidden meanwhile; six times `consumer_timeout` when null.
    - `max_receives`: attempts before a message becomes a dead letter.
    - `retention_days`: days a message may wait.
  EOT
  type = object({
    consumer_timeout   = number
    visibility_timeout = optional(number)
    max_receives       = optional(number, 5)
    retention_days     = optional(number, 7)
  })
  nullable = false

  validation {
    condition     = var.delivery.consumer_timeout >= 1 && var.delivery.consumer_timeout <= 900
    error_message = "delivery.consumer_timeout: write 1 to 900 seconds, the timeout of the function that reads the queue."
  }

  validation {
    condition = (
      var.delivery.visibility_timeout == null ? true :
      var.delivery.visibility_timeout >= 6 * var.delivery.consumer_timeout && var.delivery.visibility_timeout <= 43200
    )
    error_message = "delivery.visibility_timeout: write at least six times consumer_timeout and at most 43200 seconds, or leave it out."
  }

  validation {
    condition     = var.delivery.max_receives >= 2 && var.delivery.max_receives <= 1000
    error_message = "delivery.max_receives: write 2 to 1000; with 1 a single hiccup makes a dead letter."
  }

  validation {
    condition     = var.delivery.retention_days >= 1 && var.delivery.retention_days <= 13
    error_message = "delivery.retention_days: write 1 to 13; dead letters are kept 14 days from the first sending and must outlive the queue."
  }
}

variable "kms_key_arn" {
  description = "KMS key for encryption at rest; null for keys that SQS manages. Its policy must let the senders use it."
  type        = string
  default     = null
}

variable "name" {
  description = "Name of the queue; its dead letters' queue is called `<name>-dead-letters`."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,67}$", var.name))
    error_message = "name: write 1 to 67 letters, digits, hyphens and underscores (80 with -dead-letters)."
  }
}

variable "senders" {
  description = "AWS services that may send, by name: the service and the ARN it acts for. Roles send by their own policies."
  type = map(object({
    service    = string
    source_arn = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for sender in var.senders : endswith(sender.service, ".amazonaws.com")])
    error_message = "senders: service is a principal such as s3.amazonaws.com or events.amazonaws.com."
  }
}
