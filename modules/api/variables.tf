variable "alarms" {
  description = "Alarm for answers with 5xx within five minutes, sent to `topic_arn`; null for none."
  type        = object({ topic_arn = string, max_server_errors = optional(number, 0) })
  default     = null
}

variable "allowed_addresses" {
  description = "Address ranges that may call the API; null for all."
  type        = set(string)
  default     = null

  validation {
    condition     = var.allowed_addresses == null ? true : length(var.allowed_addresses) > 0 && alltrue([for range in var.allowed_addresses : can(cidrhost(range, 0))])
    error_message = "allowed_addresses: write ranges such as 192.0.2.0/24 or 2001:db8::/32, at least one; or null to let everybody call."
  }
}

variable "functions" {
  description = "The two functions behind the API, `serve` for the routes and `token` for tokens: name, and ARN by which API Gateway calls."
  type        = map(object({ name = string, invoke_arn = string }))
  nullable    = false

  validation {
    condition     = toset(keys(var.functions)) == toset(["serve", "token"])
    error_message = "functions: write exactly serve and token."
  }
}

variable "limits" {
  description = <<-EOT
    Requests per second (`rate`), at once (`burst`), and per day.
    - `rate`, `burst`: every route, all keys together.
    - `token_rate`, `token_burst`: asking for tokens, all keys together.
    - `key_rate`, `key_burst`, `key_daily_quota`: one key.
  EOT
  type = object({
    rate            = optional(number, 100)
    burst           = optional(number, 200)
    token_rate      = optional(number, 5)
    token_burst     = optional(number, 20)
    key_rate        = optional(number, 50)
    key_burst       = optional(number, 100)
    key_daily_quota = optional(number, 100000)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for limit in values(var.limits) : limit >= 1])
    error_message = "limits: write 1 or more everywhere; with 0 nobody gets in."
  }

  validation {
    condition     = var.limits.key_rate <= var.limits.rate && var.limits.token_rate <= var.limits.rate
    error_message = "limits: write a key_rate and a token_rate that are not above rate."
  }
}

variable "logs" {
  description = "The access log: days kept, KMS key (null for CloudWatch's own)."
  type        = object({ retention_days = optional(number, 30), kms_key_arn = optional(string) })
  default     = {}
  nullable    = false
}

variable "name" {
  description = "Name of the API, of its usage plan and (behind /aws/apigateway/) of its access log."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{1,64}$", var.name))
    error_message = "name: write 1 to 64 letters, digits and hyphens."
  }
}

variable "stage" {
  description = "Name of the stage: the first part of every path."
  type        = string
  default     = "v1"
  nullable    = false

  validation {
    condition     = can(regex("^v[1-9][0-9]*$", var.stage))
    error_message = "stage: write v and a number, for example v1."
  }
}

variable "user_pool_arn" {
  description = "User pool whose tokens are accepted."
  type        = string
}
