variable "access" {
  description = <<-EOT
    Who may speak to Kubernetes, by name: a principal, what it may do, and in which namespaces (null for all).
    `policy` is one of view, edit, admin (all of a namespace), cluster-admin.
  EOT
  type = map(object({
    principal_arn = string
    policy        = string
    namespaces    = optional(set(string))
  }))
  nullable = false

  validation {
    condition     = alltrue([for entry in var.access : contains(["admin", "cluster-admin", "edit", "view"], entry.policy)])
    error_message = "access: policy: write view, edit, admin or cluster-admin."
  }

  validation {
    condition     = anytrue([for entry in var.access : entry.policy == "cluster-admin"])
    error_message = "access: give at least one principal cluster-admin; whoever creates the cluster gets nothing by that."
  }

  validation {
    condition     = alltrue([for entry in var.access : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/", entry.principal_arn))])
    error_message = "access: principal_arn: write the whole ARN of a role or a user, for example arn:aws:iam::123456789012:role/operators."
  }

  validation {
    condition     = length(distinct([for entry in var.access : entry.principal_arn])) == length(var.access)
    error_message = "access: principal_arn: name each principal once; EKS keeps one entry for it."
  }

  validation {
    condition     = alltrue([for entry in var.access : entry.namespaces == null ? true : length(entry.namespaces) > 0 && entry.policy != "cluster-admin"])
    error_message = "access: namespaces: write at least one, or leave it out; cluster-admin is for the whole cluster."
  }
}

variable "addons" {
  description = "EKS add-ons and their exact versions. Four are needed: coredns, eks-pod-identity-agent, kube-proxy, vpc-cni."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for name in ["coredns", "eks-pod-identity-agent", "kube-proxy", "vpc-cni"] : contains(keys(var.addons), name)])
    error_message = "addons: write versions for coredns, eks-pod-identity-agent, kube-proxy and vpc-cni; nodes are not ready without them."
  }

  validation {
    condition     = alltrue([for version in var.addons : can(regex("^v[0-9]+[.][0-9]+[.][0-9]+-eksbuild[.][0-9]+$", version))])
    error_message = "addons: write whole versions such as v1.36.0-eksbuild.21, as `aws eks describe-addon-versions` lists them."
  }

  validation {
    condition     = startswith(try(var.addons["kube-proxy"], "v${var.kubernetes.version}."), "v${var.kubernetes.version}.")
    error_message = "addons: kube-proxy: write a version of the same minor as kubernetes.version."
  }
}

variable "gpu_node_groups" {
  description = <<-EOT
    Groups of GPU nodes, by name; each begins with nothing and grows when pods ask for `nvidia.com/gpu`.
    - `instance_types`: any of these, all with `gpus` NVIDIA GPUs each.
    - `capacity`: `spot` or `on-demand`.
    - `max`, `min`: how many nodes; min 0 costs nothing while nobody asks.
    - `disk_gib`, `labels`, `taints`, `subnet_ids`: see the module node_groups; the taint nvidia.com/gpu is always there.
  EOT
  type = map(object({
    instance_types = list(string)
    capacity       = string
    max            = number
    min            = optional(number, 0)
    gpus           = optional(number, 1)
    disk_gib       = optional(number, 200)
    labels         = optional(map(string), {})
    taints         = optional(map(object({ value = optional(string), effect = optional(string) })), {})
    subnet_ids     = optional(set(string))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = !contains(keys(var.gpu_node_groups), "system")
    error_message = "gpu_node_groups: write another name than system; that group is there already."
  }

  validation {
    condition     = alltrue([for group in var.gpu_node_groups : group.gpus >= 1])
    error_message = "gpu_node_groups: gpus: write at least 1, the number of GPUs of one node."
  }
}

variable "is_temporary" {
  description = "Whether the cluster may leave without a trace: its key goes after 7 days instead of 30."
  type        = bool
  default     = false
  nullable    = false
}

variable "kubernetes" {
  description = <<-EOT
    The control plane.
    - `version`: minor version; when its standard support ends stands in glue/kubernetes_versions.py.
    - `public_access_ranges`: addresses that may reach the API over the internet; none makes it private.
    - `support`: what happens when standard support ends: `standard` upgrades by itself, `extended` stays and costs six times as much.
  EOT
  type = object({
    version              = string
    public_access_ranges = optional(set(string), [])
    support              = optional(string, "standard")
  })
  nullable = false

  validation {
    condition     = can(regex("^1[.][0-9]{2}$", var.kubernetes.version))
    error_message = "kubernetes.version: write a minor version such as 1.36."
  }

  validation {
    condition     = alltrue([for range in var.kubernetes.public_access_ranges : can(cidrnetmask(range)) && tonumber(try(split("/", range)[1], 0)) >= 8])
    error_message = "kubernetes.public_access_ranges: write IPv4 ranges of /8 or smaller, for example 203.0.113.7/32; everybody is nobody's address."
  }

  validation {
    condition     = contains(["extended", "standard"], var.kubernetes.support)
    error_message = "kubernetes.support: write standard or extended."
  }
}

variable "logs" {
  description = "Days that logs are kept, and ARNs of log groups made elsewhere that Fluent Bit may write to as well (a leaderboard's own)."
  type = object({
    retention_days     = optional(number, 30)
    further_group_arns = optional(set(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logs.retention_days)
    error_message = "logs.retention_days: write a number CloudWatch knows, such as 7, 30, 90 or 365."
  }

  validation {
    condition     = alltrue([for arn in var.logs.further_group_arns : can(regex("^arn:[a-z-]+:logs:[^:]+:[0-9]{12}:log-group:[^:*]+$", arn))])
    error_message = "logs.further_group_arns: write whole ARNs of log groups, without the :* at the end."
  }
}

variable "name" {
  description = "Name of the cluster."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,44}$", var.name))
    error_message = "name: write 1 to 45 letters, digits and hyphens (64 with -cluster-autoscaler, the name of a role)."
  }
}

variable "network" {
  description = "Where the cluster stands: the VPC, and private subnets in at least two zones."
  type        = object({ vpc_id = string, subnet_ids = set(string) })
  nullable    = false

  validation {
    condition     = length(var.network.subnet_ids) >= 2
    error_message = "network.subnet_ids: write subnets in at least two zones; EKS demands it."
  }
}

variable "system_nodes" {
  description = "Nodes for what the cluster itself needs (DNS, autoscaler): the same fields as a group of the module node_groups."
  type = object({
    instance_types = optional(list(string), ["t3.medium", "t3a.medium"])
    capacity       = optional(string)
    min            = optional(number, 2)
    max            = optional(number, 4)
    disk_gib       = optional(number)
    subnet_ids     = optional(set(string))
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.system_nodes.min >= 1
    error_message = "system_nodes.min: write at least 1; the autoscaler that could start more runs on these nodes."
  }
}

variable "workloads" {
  description = "Further service accounts with an AWS identity, by name: namespace, service account and statements, see the module workload."
  type = map(object({
    namespace       = string
    service_account = string
    statements = map(object({
      actions   = set(string)
      resources = set(string)
      condition = optional(map(map(list(string))), {})
    }))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for key in keys(var.workloads) : can(regex("^[a-z][a-z0-9-]{0,17}$", key)) && !contains(["cluster", "cluster-autoscaler", "fluent-bit", "nodes"], key)])
    error_message = "workloads: name each with 1 to 18 lower-case letters, digits and hyphens; cluster, cluster-autoscaler, fluent-bit and nodes are taken."
  }
}
