variable "cluster" {
  description = "The cluster that the nodes join: its name, and the Kubernetes version that nodes run."
  type        = object({ name = string, version = string })
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{0,57}$", var.cluster.name))
    error_message = "cluster.name: write 1 to 58 letters, digits, hyphens and underscores (64 with -nodes, the name of the role)."
  }

  validation {
    condition     = can(regex("^1[.][0-9]{2}$", var.cluster.version))
    error_message = "cluster.version: write a minor version such as 1.36."
  }
}

variable "groups" {
  description = <<-EOT
    Groups of equal nodes, by name.
    - `instance_types`: any of these; with Spot the more, the fewer interruptions. All of a group have the same number of GPUs.
    - `capacity`: `on-demand` or `spot`.
    - `min`, `max`: how many nodes; the autoscaler decides in between, and begins with `min`.
    - `gpus`: NVIDIA GPUs of each node. More than 0 makes it a GPU group: NVIDIA's driver, label `purpose = gpu`, taint `nvidia.com/gpu`.
    - `disk_gib`: size of the root disk, which also holds the images of containers.
    - `labels`, `taints`: further ones of the nodes; a taint's effect is NoSchedule, PreferNoSchedule or NoExecute.
    - `subnet_ids`: subnets of this group only, for types that one zone does not have; null for all.
  EOT
  type = map(object({
    instance_types = list(string)
    capacity       = optional(string, "on-demand")
    min            = optional(number, 0)
    max            = number
    gpus           = optional(number, 0)
    disk_gib       = optional(number, 50)
    labels         = optional(map(string), {})
    taints         = optional(map(object({ value = optional(string, ""), effect = optional(string, "NoSchedule") })), {})
    subnet_ids     = optional(set(string))
  }))
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.groups) : can(regex("^[a-z][a-z0-9-]{0,39}$", key))])
    error_message = "groups: name each with 1 to 40 lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for group in var.groups : length(group.instance_types) >= 1 && length(group.instance_types) <= 20])
    error_message = "groups: instance_types: write 1 to 20 types, for example [\"g5.xlarge\", \"g6.xlarge\"]."
  }

  validation {
    condition     = alltrue([for group in var.groups : contains(["on-demand", "spot"], group.capacity)])
    error_message = "groups: capacity: write on-demand or spot."
  }

  validation {
    condition     = alltrue([for group in var.groups : group.min >= 0 && group.max >= 1 && group.min <= group.max])
    error_message = "groups: min, max: write a max of at least 1 and a min from 0 to max."
  }

  validation {
    condition     = alltrue([for group in var.groups : group.gpus >= 0 && group.gpus <= 16])
    error_message = "groups: gpus: write the number of one node, 0 to 16."
  }

  validation {
    condition     = alltrue([for group in var.groups : group.disk_gib >= 20 && group.disk_gib <= 16384])
    error_message = "groups: disk_gib: write 20 to 16384."
  }

  validation {
    condition = alltrue(flatten([for group in var.groups : [
      for key in concat(keys(group.labels), keys(group.taints)) :
      can(regex("^([a-z0-9][a-z0-9.-]*/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$", key)) && !can(regex("(^|[.])(kubernetes[.]io|k8s[.]io|eks[.]amazonaws[.]com)/", key))
    ]]))
    error_message = "groups: labels, taints: write keys such as team or example.com/team; those of kubernetes.io, k8s.io and eks.amazonaws.com are not ours to set."
  }

  validation {
    condition = alltrue(flatten([for group in var.groups : [
      for taint in group.taints : contains(["NoExecute", "NoSchedule", "PreferNoSchedule"], taint.effect)
    ]]))
    error_message = "groups: taints: effect: write NoSchedule, PreferNoSchedule or NoExecute."
  }
}

variable "subnet_ids" {
  description = "Private subnets, one in each zone; a group without subnets of its own stands in all of them."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 1
    error_message = "subnet_ids: write at least one subnet."
  }
}
