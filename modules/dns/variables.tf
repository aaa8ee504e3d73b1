variable "alarms" {
  description = "Where the alarm of a certificate that is not renewed goes; null for no alarm."
  type        = object({ topic_arn = string })
  default     = null

  validation {
    condition     = var.alarms == null ? true : can(regex("^arn:[^:]+:sns:", var.alarms.topic_arn))
    error_message = "alarms.topic_arn: write the ARN of an SNS topic."
  }
}

variable "certificate" {
  description = <<-EOT
    A certificate for the domain, proven by records in the public zone; null for none. It is of the provider's region.
    - `alternative_names`: further names of the domain, wildcards allowed.
    - `is_awaited`: whether to wait until it is issued, which needs the delegation of the domain. Write false until then.
  EOT
  type = object({
    alternative_names = optional(set(string), [])
    is_awaited        = optional(bool, true)
  })
  default = null

  validation {
    condition     = var.certificate == null || var.public_zone != null
    error_message = "certificate: write a public_zone too; the certificate is proven by records in it."
  }

  validation {
    condition     = var.certificate == null ? true : alltrue([for name in var.certificate.alternative_names : endswith(name, ".${var.domain}")])
    error_message = "certificate.alternative_names: write names that end with the domain, such as *.example.org for example.org."
  }

  validation {
    condition = var.certificate == null || var.public_zone == null ? true : (
      length(var.public_zone.certificate_authorities) == 0 ||
      length(setintersection(var.public_zone.certificate_authorities, ["amazon.com", "amazonaws.com", "amazontrust.com", "awstrust.com"])) > 0
    )
    error_message = "certificate: write amazon.com into public_zone.certificate_authorities; otherwise AWS may not issue it."
  }
}

variable "domain" {
  description = "The domain, without a dot at its end."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z0-9-]{2,63}$", var.domain)) && length(var.domain) <= 253
    error_message = "domain: write a domain in lower case without a dot at its end, such as staging.example.org."
  }
}

variable "failover_records" {
  description = <<-EOT
    Public names with a second answer for when the first one fails, by any key.
    - `name`: before the domain; empty for the domain itself.
    - `primary`, `secondary`: `values` or an `alias`, and the key of a `health_check`.
  EOT
  type = map(object({
    name = optional(string, "")
    type = optional(string, "A")
    ttl  = optional(number, 60)
    primary = object({
      values       = optional(set(string))
      alias        = optional(object({ name = string, zone_id = string, evaluate_target_health = optional(bool, true) }))
      health_check = optional(string)
    })
    secondary = object({
      values       = optional(set(string))
      alias        = optional(object({ name = string, zone_id = string, evaluate_target_health = optional(bool, true) }))
      health_check = optional(string)
    })
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue(flatten([
      for record in var.failover_records : [for answer in [record.primary, record.secondary] : (answer.values == null) != (answer.alias == null)]
    ]))
    error_message = "failover_records: write values or alias in primary and in secondary, not both and not neither."
  }

  validation {
    condition = alltrue([
      for record in var.failover_records :
      record.primary.health_check != null || (record.primary.alias == null ? false : record.primary.alias.evaluate_target_health)
    ])
    error_message = "failover_records: write a health_check for primary, or an alias that evaluates its target's health; nothing else tells that it failed."
  }

  validation {
    condition = alltrue(flatten([
      for record in var.failover_records : [
        for answer in [record.primary, record.secondary] : answer.health_check == null || contains(keys(var.health_checks), coalesce(answer.health_check, "-"))
      ]
    ]))
    error_message = "failover_records: write as health_check a key of health_checks."
  }

  validation {
    condition     = length(var.failover_records) == 0 || var.public_zone != null
    error_message = "failover_records: write a public_zone too; they are public names."
  }
}

variable "geolocation_records" {
  description = <<-EOT
    Public names whose answer depends on where one asks from, by any key.
    - `name`: before the domain; empty for the domain itself.
    - `answers`, by a name of their own: for a `continent` (AF AN AS EU NA OC SA), a `country` (ISO 3166, * for all others)
      and in US, CA or UA a `subdivision`; `values` or an `alias`; the key of a `health_check`, without which an answer is always given.
  EOT
  type = map(object({
    name = optional(string, "")
    type = optional(string, "A")
    ttl  = optional(number, 60)
    answers = map(object({
      continent    = optional(string)
      country      = optional(string)
      subdivision  = optional(string)
      values       = optional(set(string))
      alias        = optional(object({ name = string, zone_id = string, evaluate_target_health = optional(bool, true) }))
      health_check = optional(string)
    }))
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue(flatten([
      for record in var.geolocation_records : [for answer in record.answers : (answer.values == null) != (answer.alias == null)]
    ]))
    error_message = "geolocation_records: write values or alias in each answer, not both and not neither."
  }

  validation {
    condition = alltrue(flatten([
      for record in var.geolocation_records : [for answer in record.answers : (answer.continent == null) != (answer.country == null)]
    ]))
    error_message = "geolocation_records: write a continent or a country in each answer, not both and not neither."
  }

  validation {
    condition = alltrue(flatten([
      for record in var.geolocation_records : [
        for answer in record.answers : contains(["AF", "AN", "AS", "EU", "NA", "OC", "SA"], coalesce(answer.continent, "EU"))
      ]
    ]))
    error_message = "geolocation_records: write as continent AF, AN, AS, EU, NA, OC or SA."
  }

  validation {
    condition = alltrue(flatten([
      for record in var.geolocation_records : [
        for answer in record.answers : answer.subdivision == null || contains(["CA", "UA", "US"], coalesce(answer.country, "-"))
      ]
    ]))
    error_message = "geolocation_records: write a subdivision only with the country US, CA or UA."
  }

  validation {
    condition = alltrue([
      for record in var.geolocation_records : length([for answer in record.answers : answer if answer.country == "*"]) == 1
    ])
    error_message = "geolocation_records: write one answer with the country *, or those from elsewhere get none."
  }

  validation {
    condition = alltrue(flatten([
      for record in var.geolocation_records : [
        for answer in record.answers : answer.health_check == null || contains(keys(var.health_checks), coalesce(answer.health_check, "-"))
      ]
    ]))
    error_message = "geolocation_records: write as health_check a key of health_checks."
  }

  validation {
    condition     = length(var.geolocation_records) == 0 || var.public_zone != null
    error_message = "geolocation_records: write a public_zone too; they are public names."
  }
}

variable "health_checks" {
  description = <<-EOT
    What is asked from several regions whether it is well, by name.
    - `host`: the name that is asked; not one whose answer depends on the check itself.
    - `protocol`: HTTPS, HTTP or TCP; `port`, `path`: where.
    - `search_text`: what the first 5,120 bytes of the answer must hold.
    - `failures`: so many in a row make it ill. `interval_seconds`: 30, or 10 at a price.
  EOT
  type = map(object({
    host             = string
    protocol         = optional(string, "HTTPS")
    port             = optional(number, 443)
    path             = optional(string, "/")
    search_text      = optional(string)
    failures         = optional(number, 3)
    interval_seconds = optional(number, 30)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for check in var.health_checks : contains(["HTTP", "HTTPS", "TCP"], check.protocol)])
    error_message = "health_checks: write as protocol HTTPS, HTTP or TCP."
  }

  validation {
    condition     = alltrue([for check in var.health_checks : check.search_text == null || check.protocol != "TCP"])
    error_message = "health_checks: write search_text only with HTTPS or HTTP."
  }

  validation {
    condition     = alltrue([for check in var.health_checks : contains([10, 30], check.interval_seconds)])
    error_message = "health_checks: write as interval_seconds 10 or 30."
  }

  validation {
    condition     = alltrue([for check in var.health_checks : check.failures >= 1 && check.failures <= 10])
    error_message = "health_checks: write as failures 1 to 10."
  }

  validation {
    condition     = alltrue([for check in var.health_checks : startswith(check.path, "/")])
    error_message = "health_checks: write a path that begins with a slash."
  }
}

variable "is_temporary" {
  description = "Whether zones may be deleted with records in them that Terraform did not make."
  type        = bool
  default     = false
  nullable    = false
}

variable "private_zone" {
  description = "The zone that only these networks see; null for none. `vpc_ids`: networks by a name of their own."
  type        = object({ vpc_ids = map(string) })
  default     = null

  validation {
    condition     = var.private_zone == null ? true : length(var.private_zone.vpc_ids) > 0
    error_message = "private_zone.vpc_ids: write at least one network; without one the zone would be public."
  }
}

variable "public_zone" {
  description = <<-EOT
    The zone that the world sees; null for none.
    - `certificate_authorities`: who may issue certificates (CAA); empty for everybody.
    - `query_log`: log group in us-east-1 for all queries, whose resource policy lets route53.amazonaws.com write; null for none.
  EOT
  type = object({
    certificate_authorities = optional(set(string), ["amazon.com"])
    query_log               = optional(object({ log_group_arn = string }))
  })
  default = null

  validation {
    condition     = var.public_zone != null || var.private_zone != null
    error_message = "public_zone: write public_zone = {} or a private_zone; there is nothing to make without a zone."
  }

  validation {
    condition     = try(var.public_zone.query_log, null) == null ? true : can(regex("^arn:[^:]+:logs:us-east-1:[0-9]{12}:log-group:[^:*]+$", var.public_zone.query_log.log_group_arn))
    error_message = "public_zone.query_log: write as log_group_arn the ARN of a log group in us-east-1, without :* at its end; Route 53 writes nowhere else."
  }
}

variable "records" {
  description = <<-EOT
    Ordinary records, by any key.
    - `name`: before the domain; empty for the domain itself.
    - `zone`: public or private.
    - `values` with a `ttl` in seconds, or an `alias` of something in AWS.
  EOT
  type = map(object({
    name   = optional(string, "")
    type   = optional(string, "A")
    zone   = optional(string, "public")
    ttl    = optional(number, 300)
    values = optional(set(string))
    alias  = optional(object({ name = string, zone_id = string, evaluate_target_health = optional(bool, true) }))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for record in var.records : (record.values == null) != (record.alias == null)])
    error_message = "records: write values or alias in each, not both and not neither."
  }

  validation {
    condition     = alltrue([for record in var.records : contains(["A", "AAAA", "CNAME", "HTTPS", "MX", "NS", "SRV", "TXT"], record.type)])
    error_message = "records: write as type A, AAAA, CNAME, HTTPS, MX, NS, SRV or TXT."
  }

  validation {
    condition     = alltrue([for record in var.records : record.name != "" || !contains(["CNAME", "NS"], record.type)])
    error_message = "records: write a name for CNAME and NS; the domain itself takes an A record with an alias instead, and its NS record is there already."
  }

  validation {
    condition = alltrue([
      for record in var.records : record.zone == "public" ? var.public_zone != null : record.zone == "private" && var.private_zone != null
    ])
    error_message = "records: write as zone public or private, and make that zone too."
  }
}
