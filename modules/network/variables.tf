variable "address_range" {
  description = "IPv4 range of the network, such as 10.20.0.0/16. Networks that may ever be joined need ranges that do not overlap."
  type        = string

  validation {
    condition     = can(cidrhost(var.address_range, 0)) && can(regex("^[0-9.]+/(1[6-9]|2[0-2])$", var.address_range))
    error_message = "address_range: write an IPv4 range from /16 to /22, such as 10.20.0.0/16; AWS takes none larger, and smaller ones have no room for three zones."
  }

  validation {
    condition     = can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", var.address_range))
    error_message = "address_range: write a private range, in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16; a public one hides its owner's servers."
  }

  validation {
    condition     = try(cidrhost(var.address_range, 0) == split("/", var.address_range)[0], false)
    error_message = "address_range: write the range's first address, such as 10.20.0.0/16 and not 10.20.1.0/16."
  }
}

variable "alarms" {
  description = "Where alarms of the NAT go; null for nowhere. A NAT instance is repaired by its alarms in either case."
  type        = object({ topic_arn = string })
  default     = null

  validation {
    condition     = var.alarms == null ? true : can(regex("^arn:[^:]+:sns:", var.alarms.topic_arn))
    error_message = "alarms.topic_arn: write the ARN of an SNS topic."
  }
}

variable "flow_logs" {
  description = <<-EOT
    A record of who talked to whom; null for none.
    - `retention_days`: how long CloudWatch keeps it.
    - `traffic`: REJECT (what was refused; cheap), ACCEPT or ALL.
    - `aggregation_seconds`: a line for each connection and 60 or 600 seconds.
    - `kms_key_arn`: key of the log group; null for the key of CloudWatch Logs. Its policy must let CloudWatch Logs use it.
  EOT
  type = object({
    retention_days      = optional(number, 30)
    traffic             = optional(string, "REJECT")
    aggregation_seconds = optional(number, 600)
    kms_key_arn         = optional(string)
  })
  default = null

  validation {
    condition = var.flow_logs == null ? true : contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.flow_logs.retention_days,
    )
    error_message = "flow_logs.retention_days: write a number of days that CloudWatch offers: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }

  validation {
    condition     = var.flow_logs == null ? true : contains(["ACCEPT", "ALL", "REJECT"], var.flow_logs.traffic)
    error_message = "flow_logs.traffic: write REJECT, ACCEPT or ALL."
  }

  validation {
    condition     = var.flow_logs == null ? true : contains([60, 600], var.flow_logs.aggregation_seconds)
    error_message = "flow_logs.aggregation_seconds: write 60 or 600."
  }
}

variable "kubernetes_cluster_name" {
  description = "Name of the Kubernetes cluster whose load balancers may use these subnets; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.kubernetes_cluster_name == null ? true : can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", var.kubernetes_cluster_name))
    error_message = "kubernetes_cluster_name: write 1 to 100 letters, digits, hyphens and underscores, as EKS does, or leave it out."
  }
}

variable "name" {
  description = "Name of the network, and the beginning of its parts' names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,51}$", var.name))
    error_message = "name: write 1 to 52 lower-case letters, digits and hyphens, beginning with a letter; a role called <name>-flow-logs must fit into 64."
  }
}

variable "nat" {
  description = <<-EOT
    How private subnets reach the internet.
    - `kind`: none, instance (one small machine), gateway-single (one gateway) or gateway-per-zone (survives the loss of a zone).
    - `instance_type`: of the NAT instance; a Graviton type.
    - `renewed`: a date; another one replaces the NAT instance by one with the newest image, at the same address.
  EOT
  type = object({
    kind          = string
    instance_type = optional(string, "t4g.nano")
    renewed       = optional(string)
  })
  default  = { kind = "none" }
  nullable = false

  validation {
    condition     = contains(["none", "instance", "gateway-single", "gateway-per-zone"], var.nat.kind)
    error_message = "nat.kind: write none, instance, gateway-single or gateway-per-zone."
  }

  validation {
    condition     = can(regex("^[a-z]+[0-9]+g[a-z]*\\.[0-9a-z-]+$", var.nat.instance_type))
    error_message = "nat.instance_type: write a Graviton type such as t4g.nano or c7gn.medium; the image is for arm64."
  }

  validation {
    condition     = var.nat.renewed == null ? true : can(formatdate("YYYY-MM-DD", "${var.nat.renewed}T00:00:00Z"))
    error_message = "nat.renewed: write a date such as 2026-11-20, or leave it out."
  }

  validation {
    condition     = var.nat.kind == "instance" || var.nat.renewed == null
    error_message = "nat.renewed: leave it out unless nat.kind is instance; AWS renews gateways itself."
  }
}

variable "writable_foreign_buckets" {
  description = "Names of other accounts' buckets that may be written to from this network. Own buckets may be, and all may be read."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.writable_foreign_buckets : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", name))])
    error_message = "writable_foreign_buckets: write names of buckets, not ARNs."
  }
}

variable "zones" {
  description = "Three availability zones, such as eu-central-1a. A zone's place in the list decides its addresses: another order makes all subnets anew."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.zones) == 3 && length(distinct(var.zones)) == 3
    error_message = "zones: write exactly three different zones; with fewer the loss of one takes half."
  }

  validation {
    condition     = alltrue([for zone in var.zones : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$", zone))])
    error_message = "zones: write names of availability zones, such as eu-central-1a."
  }
}
