variable "alarms" {
  description = <<-EOT
    Alarms sent to `topic_arn`; null for none.
    - `throttled_requests`: more refused requests than this within a minute, on the table or an index.
    - `replication_delay_seconds`: a copy in another region is so far behind for three minutes.
  EOT
  type = object({
    topic_arn                 = string
    throttled_requests        = optional(number, 0)
    replication_delay_seconds = optional(number, 60)
  })
  default = null

  validation {
    condition     = var.alarms == null ? true : var.alarms.throttled_requests >= 0
    error_message = "alarms.throttled_requests: write 0 or more."
  }

  validation {
    condition     = var.alarms == null ? true : var.alarms.replication_delay_seconds >= 5
    error_message = "alarms.replication_delay_seconds: write 5 or more; a second or two is usual."
  }
}

variable "attributes" {
  description = "Types of the key attributes that are not text: N (number) or B (binary) by the attribute's name. Other attributes need no type."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for type in var.attributes : contains(["S", "N", "B"], type)])
    error_message = "attributes: a type is S (text), N (number) or B (binary)."
  }

  validation {
    condition = length(setsubtract(keys(var.attributes), compact(flatten([
      var.keys.partition, var.keys.sort, [for index in var.indexes : [index.partition, index.sort]],
    ])))) == 0
    error_message = "attributes: only those that are part of a key, of the table or an index, have a type; leave out the others."
  }
}

variable "capacity" {
  description = <<-EOT
    How requests are paid for.
    - `mode`: `on-demand` (by request) or `provisioned` (by the hour).
    - `read`, `write`: units a second, for the table and for each index: the most that is served on demand (null for no
      limit), or what is provisioned.
  EOT
  type = object({
    mode  = optional(string, "on-demand")
    read  = optional(number)
    write = optional(number)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["on-demand", "provisioned"], var.capacity.mode)
    error_message = "capacity.mode: write on-demand or provisioned."
  }

  validation {
    condition     = var.capacity.mode != "provisioned" || (var.capacity.read != null && var.capacity.write != null)
    error_message = "capacity: provisioned needs both read and write; write units a second, for example { mode = \"provisioned\", read = 5, write = 5 }."
  }

  validation {
    condition     = alltrue([for units in [var.capacity.read, var.capacity.write] : units == null ? true : units >= 1])
    error_message = "capacity: read and write are 1 or more; leave them out for no limit."
  }
}

variable "expiry" {
  description = <<-EOT
    Items that delete themselves; null for none, which also leaves an expiry that is on as it is.
    - `attribute`: holds the time (seconds since 1970, a number) after which DynamoDB deletes the item, within days.
    - `is_enabled`: false stops it.
  EOT
  type = object({
    attribute  = string
    is_enabled = optional(bool, true)
  })
  default = null

  validation {
    condition     = var.expiry == null ? true : length(var.expiry.attribute) >= 1 && length(var.expiry.attribute) <= 255
    error_message = "expiry.attribute: write an attribute's name of 1 to 255 characters, for example expires-at."
  }
}

variable "indexes" {
  description = <<-EOT
    Global secondary indexes by name.
    - `partition`, `sort`: attributes that are its key; `sort` may be left out.
    - `projection`: which attributes it carries: ALL, KEYS_ONLY or INCLUDE.
    - `non_key_attributes`: those that INCLUDE adds to the keys.
  EOT
  type = map(object({
    partition          = string
    sort               = optional(string)
    projection         = optional(string, "ALL")
    non_key_attributes = optional(set(string))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.indexes) : can(regex("^[A-Za-z0-9_.-]{3,255}$", name))])
    error_message = "indexes: a name has 3 to 255 letters, digits and characters of \"_.-\"."
  }

  validation {
    condition     = length(var.indexes) <= 20
    error_message = "indexes: write at most 20; AWS gives more only on request."
  }

  validation {
    condition     = alltrue([for index in var.indexes : contains(["ALL", "KEYS_ONLY", "INCLUDE"], index.projection)])
    error_message = "indexes: projection is ALL, KEYS_ONLY or INCLUDE."
  }

  validation {
    condition     = alltrue([for index in var.indexes : (index.projection == "INCLUDE") == (index.non_key_attributes == null ? false : length(index.non_key_attributes) > 0)])
    error_message = "indexes: non_key_attributes goes with projection INCLUDE, and with no other; write those the index shall carry."
  }
}

variable "is_temporary" {
  description = "Whether the table may be deleted with all its items: it has no deletion protection then."
  type        = bool
  default     = false
  nullable    = false
}

variable "keys" {
  description = "The table's key: the attribute that partitions it, and the one that sorts within (may be left out). Changing it replaces the table."
  type = object({
    partition = string
    sort      = optional(string)
  })
  nullable = false

  validation {
    condition     = alltrue([for attribute in compact([var.keys.partition, var.keys.sort]) : length(attribute) <= 255]) && length(var.keys.partition) > 0
    error_message = "keys: an attribute's name has 1 to 255 characters."
  }

  validation {
    condition     = var.keys.sort == null ? true : var.keys.sort != var.keys.partition
    error_message = "keys.sort: write another attribute than partition, or leave it out."
  }
}

variable "kms_key_arn" {
  description = "KMS key for encryption at rest; null for the key that DynamoDB owns."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn: write a key's whole ARN, for example arn:aws:kms:eu-central-1:123456789012:key/…; an alias will not do."
  }
}

variable "name" {
  description = "Name of the table."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{3,255}$", var.name))
    error_message = "name: write 3 to 255 letters, digits and characters of \"_.-\"."
  }
}

variable "replica_regions" {
  description = "Other regions that hold a copy, each with its own `kms_key_arn` of that region when the table has one. Reads and writes go to any of them."
  type        = map(object({ kms_key_arn = optional(string) }))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for region in keys(var.replica_regions) : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])
    error_message = "replica_regions: a key is a region such as us-east-1."
  }

  validation {
    condition     = alltrue([for replica in var.replica_regions : (replica.kms_key_arn == null) == (var.kms_key_arn == null)])
    error_message = "replica_regions: with kms_key_arn each copy needs a key of its own region, and without it none; write { us-east-1 = { kms_key_arn = \"arn:aws:kms:us-east-1:…\" } }."
  }

  validation {
    condition     = length(var.replica_regions) == 0 || var.capacity.mode == "on-demand"
    error_message = "replica_regions: copies are written as fast as the table, so write capacity = { mode = \"on-demand\" }."
  }
}

variable "stream" {
  description = "What the stream of changes carries: NEW_AND_OLD_IMAGES, NEW_IMAGE, OLD_IMAGE or KEYS_ONLY; null for no stream. Copies in other regions need NEW_AND_OLD_IMAGES, and get it by themselves."
  type        = string
  default     = null

  validation {
    condition     = var.stream == null ? true : contains(["NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"], var.stream)
    error_message = "stream: write NEW_AND_OLD_IMAGES, NEW_IMAGE, OLD_IMAGE or KEYS_ONLY, or leave it out."
  }

  validation {
    condition     = var.stream == null || length(var.replica_regions) == 0 ? true : var.stream == "NEW_AND_OLD_IMAGES"
    error_message = "stream: with replica_regions write NEW_AND_OLD_IMAGES, or leave it out."
  }
}
