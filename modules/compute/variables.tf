variable "compute" {
  description = <<-EOT
    What it consists of. Nothing of it runs, or costs, while no job does.
    - `kind`: gpu-spot, gpu-on-demand (instances of yours), fargate-spot, fargate (processors only, no instances).
    - `max_vcpus`: so many vCPUs at once; further jobs wait.
    - `instance_types`: for the kinds with GPUs; several of them, as Spot capacity of one alone comes and goes.
    - `disk_gib`: the instances' encrypted disk, which also holds the images; `disk_kms_key_arn`: null for EBS's own key.
    - `image_type`: the machine image that Batch keeps up to date.
    - `update_patience_minutes`: how long running jobs may go on when instances are exchanged for newer ones.
  EOT
  type = object({
    kind                    = string
    max_vcpus               = number
    instance_types          = optional(set(string), [])
    disk_gib                = optional(number, 100)
    disk_kms_key_arn        = optional(string)
    image_type              = optional(string, "ECS_AL2023_NVIDIA")
    update_patience_minutes = optional(number, 60)
  })
  nullable = false

  validation {
    condition     = contains(["gpu-spot", "gpu-on-demand", "fargate-spot", "fargate"], var.compute.kind)
    error_message = "compute.kind: write gpu-spot, gpu-on-demand, fargate-spot or fargate."
  }

  validation {
    condition     = startswith(var.compute.kind, "gpu-") == (length(var.compute.instance_types) > 0)
    error_message = "compute.instance_types: name at least one with the kinds gpu-spot and gpu-on-demand, and none with fargate and fargate-spot."
  }

  validation {
    condition     = var.compute.max_vcpus >= 1 && var.compute.max_vcpus <= 10000 && floor(var.compute.max_vcpus) == var.compute.max_vcpus
    error_message = "compute.max_vcpus: write a whole number from 1 to 10000; it bounds what jobs can cost."
  }

  validation {
    condition     = var.compute.disk_gib >= 40 && var.compute.disk_gib <= 16384
    error_message = "compute.disk_gib: write 40 to 16384; the machine image with NVIDIA's drivers takes the first 30."
  }

  validation {
    condition     = contains(["ECS_AL2023_NVIDIA", "ECS_AL2_NVIDIA"], var.compute.image_type)
    error_message = "compute.image_type: write ECS_AL2023_NVIDIA or ECS_AL2_NVIDIA."
  }

  validation {
    condition     = var.compute.update_patience_minutes >= 1 && var.compute.update_patience_minutes <= 360
    error_message = "compute.update_patience_minutes: write 1 to 360."
  }
}

variable "log_group_arn" {
  description = "The log group that jobs write to: on instances ECS does it with their role."
  type        = string
}

variable "name" {
  description = "Stands before the name of the environment; the names of its role and launch template are made of it, too."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,52}[a-z0-9]$", var.name))
    error_message = "name: write 2 to 54 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "network" {
  description = "Where jobs run: the network, its private subnets, and the security group of the jobs."
  type        = object({ vpc_id = string, subnet_ids = set(string), security_group_id = string })
  nullable    = false

  validation {
    condition     = length(var.network.subnet_ids) >= 1
    error_message = "network.subnet_ids: name at least one; one in each zone finds Spot capacity most easily."
  }
}
