variable "groups" {
  description = "Groups by name; what a group may do is decided by who reads the token. The lower precedence wins."
  type = map(object({
    description = string
    precedence  = optional(number, 100)
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.groups) : can(regex("^[a-z][a-z0-9-]{0,63}$", name))])
    error_message = "groups: write names in lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "is_temporary" {
  description = "Whether the pool may be deleted together with its users."
  type        = bool
  default     = false
  nullable    = false
}

variable "mfa" {
  description = "Second factor by authenticator: OFF, or OPTIONAL for each user. A device cannot type one, so it is never demanded of all."
  type        = string
  default     = "OFF"
  nullable    = false

  validation {
    condition     = contains(["OFF", "OPTIONAL"], var.mfa)
    error_message = "mfa: write OFF or OPTIONAL."
  }
}

variable "name" {
  description = "Name of the user pool."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{1,128}$", var.name))
    error_message = "name: write 1 to 128 letters, digits and hyphens."
  }
}

variable "password" {
  description = "Passwords: least length (all four kinds of characters are always demanded), days a temporary one is valid."
  type = object({
    minimum_length = optional(number, 16)
    temporary_days = optional(number, 3)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.password.minimum_length >= 12 && var.password.minimum_length <= 99
    error_message = "password.minimum_length: write 12 to 99."
  }

  validation {
    condition     = var.password.temporary_days >= 1 && var.password.temporary_days <= 30
    error_message = "password.temporary_days: write 1 to 30."
  }
}

variable "tokens" {
  description = "Lifetime of access and ID tokens in minutes, of refresh tokens in days."
  type = object({
    minutes      = optional(number, 60)
    refresh_days = optional(number, 1)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.tokens.minutes >= 5 && var.tokens.minutes <= 1440
    error_message = "tokens.minutes: write 5 to 1440; Cognito takes nothing else."
  }

  validation {
    condition     = var.tokens.refresh_days >= 1 && var.tokens.refresh_days <= 30
    error_message = "tokens.refresh_days: write 1 to 30."
  }
}
