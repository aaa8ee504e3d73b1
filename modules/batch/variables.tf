variable "alarms" {
  description = "Alarms for jobs that failed and queues that are blocked, sent to `topic_arn`; null for none."
  type        = object({ topic_arn = string, max_failed_jobs = optional(number, 0) })
  default     = null
}

variable "compute" {
  description = "Where jobs run, by name: as `compute` of the module compute."
  type = map(object({
    kind                    = string
    max_vcpus               = number
    instance_types          = optional(set(string))
    disk_gib                = optional(number)
    disk_kms_key_arn        = optional(string)
    image_type              = optional(string)
    update_patience_minutes = optional(number)
  }))
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.compute) : can(regex("^[a-z][a-z0-9-]{0,19}$", key))])
    error_message = "compute: write names of at most 20 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "job_definitions" {
  description = "What can be submitted, by name: as `job` of the module job."
  type = map(object({
    image           = string
    command         = optional(list(string))
    parameters      = optional(map(string))
    vcpus           = number
    memory_mib      = number
    gpus            = optional(number)
    architecture    = optional(string)
    disk_gib        = optional(number)
    timeout_seconds = number
    attempts        = optional(number)
    retry_on        = optional(string)
    environment     = optional(map(string))
    secrets         = optional(map(string))
    policy_statements = optional(map(object({
      actions   = set(string)
      resources = set(string)
      condition = optional(map(map(list(string))))
    })))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.job_definitions) : can(regex("^[a-z][a-z0-9-]{0,19}$", key))])
    error_message = "job_definitions: write names of at most 20 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "logs" {
  description = "The log of all jobs: days kept, KMS key (null for CloudWatch's own)."
  type        = object({ retention_days = optional(number, 30), kms_key_arn = optional(string) })
  default     = {}
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logs.retention_days)
    error_message = "logs.retention_days: CloudWatch knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653 days."
  }
}

variable "name" {
  description = "Stands before the names of everything here."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", var.name))
    error_message = "name: write 2 to 32 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "network" {
  description = "Where jobs run: private subnets with a way to ECR, CloudWatch Logs and ECS, and the TCP ports that jobs may speak to."
  type        = object({ vpc_id = string, subnet_ids = set(string), egress_ports = optional(set(number), [443]) })
  nullable    = false

  validation {
    condition     = contains(var.network.egress_ports, 443)
    error_message = "network.egress_ports: 443 has to be among them; without it no image is fetched and no log written."
  }
}

variable "queues" {
  description = <<-EOT
    Where jobs are submitted, by name.
    - `priority`: queues with a higher one are served first.
    - `compute`: names of `compute`, tried in this order.
    - `patience_seconds`: a job that blocks the queue so long because nothing can run it is cancelled; 0 for never.
  EOT
  type = map(object({
    priority         = number
    compute          = list(string)
    patience_seconds = optional(number, 86400)
  }))
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.queues) : can(regex("^[a-z][a-z0-9-]{0,19}$", key))])
    error_message = "queues: write names of at most 20 lower-case letters, digits and hyphens, beginning with a letter."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.priority >= 0 && queue.priority <= 1000 && floor(queue.priority) == queue.priority])
    error_message = "queues.priority: write a whole number from 0 to 1000."
  }

  validation {
    condition     = alltrue([for queue in var.queues : length(queue.compute) >= 1 && length(queue.compute) <= 3 && length(setsubtract(queue.compute, keys(var.compute))) == 0])
    error_message = "queues.compute: name one to three that are in compute."
  }

  validation {
    condition = alltrue([for queue in var.queues : length(distinct([
      for key in queue.compute : startswith(try(var.compute[key].kind, ""), "gpu-")
    ])) <= 1])
    error_message = "queues.compute: Batch does not mix instances and Fargate in one queue; make two queues."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.patience_seconds == 0 || (queue.patience_seconds >= 600 && queue.patience_seconds <= 86400)])
    error_message = "queues.patience_seconds: write 600 to 86400, or 0 for no limit."
  }
}
