variable "address_range" {
  description = "IPv4 range of the network that uses the way out."
  type        = string

  validation {
    condition     = can(cidrhost(var.address_range, 0))
    error_message = "address_range: write an IPv4 range such as 10.20.0.0/16."
  }
}

variable "alarms" {
  description = "Where alarms go; null for nowhere. A NAT instance is repaired by its alarms in either case."
  type        = object({ topic_arn = string })
  default     = null

  validation {
    condition     = var.alarms == null ? true : can(regex("^arn:[^:]+:sns:", var.alarms.topic_arn))
    error_message = "alarms.topic_arn: write the ARN of an SNS topic."
  }
}

variable "instance" {
  description = <<-EOT
    The NAT instance, where there is one.
    - `type`: a Graviton type.
    - `renewed`: a date; another one replaces the instance by one with the newest image, at the same address.
  EOT
  type = object({
    type    = optional(string, "t4g.nano")
    renewed = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^[a-z]+[0-9]+g[a-z]*\\.[0-9a-z-]+$", var.instance.type))
    error_message = "instance.type: write a Graviton type such as t4g.nano or c7gn.medium; the image is for arm64."
  }

  validation {
    condition     = var.instance.renewed == null ? true : can(formatdate("YYYY-MM-DD", "${var.instance.renewed}T00:00:00Z"))
    error_message = "instance.renewed: write a date such as 2026-11-20, or leave it out."
  }
}

variable "kind" {
  description = "What the way out is: none, instance (one small machine), gateway-single (one gateway) or gateway-per-zone (survives the loss of a zone)."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["none", "instance", "gateway-single", "gateway-per-zone"], var.kind)
    error_message = "kind: write none, instance, gateway-single or gateway-per-zone."
  }
}

variable "name" {
  description = "Name of the way out, and the beginning of its parts' names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}$", var.name))
    error_message = "name: write 1 to 63 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "private_route_table_ids" {
  description = "Route tables that are led to the internet: zone to id."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.private_route_table_ids), keys(var.public_subnet_ids))) == 0
    error_message = "private_route_table_ids: write a table only for a zone that public_subnet_ids has."
  }
}

variable "public_subnet_ids" {
  description = "Subnets with a route to an internet gateway: zone to id. A way out that there is once is in the first zone by name."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.public_subnet_ids) > 0
    error_message = "public_subnet_ids: write at least one subnet."
  }
}

variable "vpc_id" {
  description = "Id of the network."
  type        = string
}
