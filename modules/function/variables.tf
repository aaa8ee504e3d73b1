variable "alarms" {
  description = "Alarms for errors and throttles within five minutes, sent to `topic_arn`; null for none."
  type        = object({ topic_arn = string, max_errors = optional(number, 0), max_throttles = optional(number, 0) })
  default     = null
}

variable "failure_queue_arn" {
  description = "Queue for events of asynchronous calls that failed for good; null when nobody calls the function asynchronously."
  type        = string
  default     = null
}

variable "function" {
  description = <<-EOT
    The function itself.
    - `handler`: dotted path of the Python function.
    - `description`: one sentence.
    - `environment`: variables. No secrets: a function reads those by the secret's ARN.
    - `memory_size`: MiB; processor power grows with it.
    - `timeout`: seconds.
    - `reserved_concurrency`: copies that may run at once; -1 for no limit of its own.
  EOT
  type = object({
    handler              = string
    description          = optional(string, "")
    environment          = optional(map(string), {})
    memory_size          = optional(number, 512)
    timeout              = optional(number, 30)
    reserved_concurrency = optional(number, -1)
  })
  nullable = false

  validation {
    condition     = can(regex("^[A-Za-z_][A-Za-z0-9_]*([.][A-Za-z_][A-Za-z0-9_]*)+$", var.function.handler))
    error_message = "function.handler: write a dotted Python path, for example lambdas.serve_api.handler.handler."
  }

  validation {
    condition     = var.function.memory_size >= 128 && var.function.memory_size <= 10240
    error_message = "function.memory_size: write 128 to 10240 MiB."
  }

  validation {
    condition     = var.function.timeout >= 1 && var.function.timeout <= 900
    error_message = "function.timeout: write 1 to 900 seconds; longer work belongs on Batch."
  }

  validation {
    condition     = var.function.reserved_concurrency == -1 || var.function.reserved_concurrency >= 1
    error_message = "function.reserved_concurrency: write 1 or more, or -1 for no limit; with 0 the function would never start."
  }

  validation {
    condition     = alltrue([for key in keys(var.function.environment) : can(regex("^[A-Z][A-Z0-9_]*$", key)) && !startswith(key, "AWS_")])
    error_message = "function.environment: write names in capitals, digits and underscores; names beginning with AWS_ are Lambda's own."
  }
}

variable "logs" {
  description = "The log: days kept, lowest level written, KMS key (null for CloudWatch's own)."
  type = object({
    level          = optional(string, "INFO")
    retention_days = optional(number, 30)
    kms_key_arn    = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], var.logs.level)
    error_message = "logs.level: write DEBUG, INFO, WARNING, ERROR or CRITICAL."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logs.retention_days)
    error_message = "logs.retention_days: CloudWatch knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653 days."
  }
}

variable "name" {
  description = "Name of the function, of its role and (behind /aws/lambda/) of its log group."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.name))
    error_message = "name: write 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "network" {
  description = "Where the function stands, when it speaks to what has no public address: subnets and security groups; null for no network of one's own."
  type        = object({ subnet_ids = set(string), security_group_ids = set(string) })
  default     = null

  validation {
    condition     = var.network == null ? true : length(var.network.subnet_ids) > 0 && length(var.network.security_group_ids) > 0
    error_message = "network: write at least one subnet and one security group, or leave it out."
  }
}

variable "package" {
  description = "The code, built before the plan: path of the zip, its SHA-256 in base64, ARNs of layers, and what it was built for."
  type = object({
    path         = string
    hash         = string
    layers       = optional(list(string), [])
    runtime      = optional(string, "python3.12")
    architecture = optional(string, "arm64")
  })
  nullable = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+/]{43}=$", var.package.hash))
    error_message = "package.hash: write the zip's SHA-256 in base64 (44 characters)."
  }

  validation {
    condition     = can(regex("^python3[.]1[1-9]$", var.package.runtime))
    error_message = "package.runtime: write python3.11 or a later Python runtime."
  }

  validation {
    condition     = contains(["arm64", "x86_64"], var.package.architecture)
    error_message = "package.architecture: write arm64 or x86_64."
  }

  validation {
    condition     = length(var.package.layers) <= 5
    error_message = "package.layers: Lambda takes at most five."
  }
}

variable "policy_statements" {
  description = "What the function may do beyond writing its log, by name: actions, resources, and conditions as operator => key => values."
  type = map(object({
    actions   = set(string)
    resources = set(string)
    condition = optional(map(map(list(string))), {})
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.policy_statements) : can(regex("^[a-z][a-z0-9_]*$", name))])
    error_message = "policy_statements: write names in lower-case letters, digits and underscores."
  }

  validation {
    condition = alltrue(flatten([
      for statement in var.policy_statements : [for action in statement.actions : can(regex("^[a-z0-9-]+:[A-Z][A-Za-z]+$", action))]
    ]))
    error_message = "policy_statements: name each action in full, for example s3:GetObject; patterns grant what nobody read."
  }

  validation {
    condition     = alltrue([for statement in var.policy_statements : length(statement.actions) > 0 && length(statement.resources) > 0])
    error_message = "policy_statements: each needs at least one action and one resource."
  }
}

variable "role_tags" {
  description = "Tags of the role, for services that decide by them (RedshiftDbRoles)."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "schedule" {
  description = "When EventBridge starts the function, and the event it gives (JSON); null for never."
  type = object({
    expression = string
    input      = optional(string, "{}")
  })
  default = null

  validation {
    condition     = var.schedule == null ? true : can(regex("^(rate|cron)[(].+[)]$", var.schedule.expression))
    error_message = "schedule.expression: write rate(1 hour) or cron(0 3 * * ? *)."
  }
}

variable "source_queue" {
  description = <<-EOT
    Queue that feeds the function; null for none.
    - `batch_size`, `batch_window_seconds`: so many messages, or all that came within the window.
    - `max_concurrency`: copies the queue may start at once; null for no limit.
  EOT
  type = object({
    arn                  = string
    batch_size           = optional(number, 10)
    batch_window_seconds = optional(number, 0)
    max_concurrency      = optional(number)
  })
  default = null

  validation {
    condition     = var.source_queue == null ? true : var.source_queue.batch_size >= 1 && var.source_queue.batch_size <= 10000
    error_message = "source_queue.batch_size: write 1 to 10000."
  }

  validation {
    condition     = var.source_queue == null ? true : var.source_queue.batch_size <= 10 || var.source_queue.batch_window_seconds >= 1
    error_message = "source_queue.batch_window_seconds: write at least 1 with a batch_size above 10; SQS demands it."
  }

  validation {
    condition = try(var.source_queue.max_concurrency, null) == null ? true : (
      var.source_queue.max_concurrency >= 2 && var.source_queue.max_concurrency <= 1000
    )
    error_message = "source_queue.max_concurrency: write 2 to 1000, or leave it out."
  }
}
