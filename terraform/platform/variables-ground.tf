# What the systems stand on. Each part but the registry may be left out.

variable "batch" {
  description = <<-EOT
    Jobs on AWS Batch; null for none. See modules/batch.
    - `compute`: where jobs run: gpu-spot, gpu-on-demand, fargate-spot or fargate.
    - `queues`: where they are submitted, each with its compute in the order in which it is tried.
    - `job_definitions`: what can be submitted.
  EOT
  type = object({
    compute = map(object({
      kind           = string
      max_vcpus      = number
      instance_types = optional(set(string))
      disk_gib       = optional(number)
    }))
    queues = map(object({
      priority         = number
      compute          = list(string)
      patience_seconds = optional(number)
    }))
    job_definitions = optional(map(object({
      image           = string
      command         = optional(list(string))
      parameters      = optional(map(string))
      vcpus           = number
      memory_mib      = number
      gpus            = optional(number)
      architecture    = optional(string)
      timeout_seconds = number
      attempts        = optional(number)
      retry_on        = optional(string)
      environment     = optional(map(string))
    })), {})
  })
  default = null

  validation {
    condition     = var.batch == null || var.network != null
    error_message = "batch: write network as well; jobs need subnets."
  }
}

variable "cluster" {
  description = <<-EOT
    The Kubernetes cluster; null for none. It stands in the network's private subnets. See modules/cluster.
    - `kubernetes`: version, who may reach the API over the internet, what happens when support ends.
    - `system_nodes`, `gpu_node_groups`: machines; GPU groups are a map and begin with none.
    - `access`: who may speak to Kubernetes.
    - `addons`: exact versions, to be raised together with the Kubernetes version.
  EOT
  type = object({
    kubernetes = object({
      version              = string
      public_access_ranges = optional(set(string))
      support              = optional(string)
    })
    addons = map(string)
    system_nodes = optional(object({
      instance_types = optional(list(string))
      capacity       = optional(string)
      min            = optional(number)
      max            = optional(number)
      disk_gib       = optional(number)
    }))
    gpu_node_groups = optional(map(object({
      instance_types = list(string)
      capacity       = string
      max            = number
      min            = optional(number)
      gpus           = optional(number)
      disk_gib       = optional(number)
      labels         = optional(map(string))
      taints         = optional(map(object({ value = optional(string), effect = optional(string) })))
    })), {})
    access = optional(map(object({
      principal_arn = string
      policy        = string
      namespaces    = optional(set(string))
    })), {})
  })
  default = null

  validation {
    condition     = var.cluster == null || var.network != null
    error_message = "cluster: write network as well; nodes need subnets."
  }
}

variable "dns" {
  description = <<-EOT
    The domain, with a public zone and, where there is a network, a private one; null for none. See modules/dns.
    - `certificate`: further names of it, and whether to wait until it is issued; null for no certificate.
    - `records`, `failover_records`, `geolocation_records`, `health_checks`: names that no system of the platform makes.
  EOT
  type = object({
    domain = string
    certificate = optional(object({
      alternative_names = optional(set(string))
      is_awaited        = optional(bool)
    }))
    records = optional(map(object({
      name   = optional(string)
      type   = optional(string)
      zone   = optional(string)
      ttl    = optional(number)
      values = optional(set(string))
    })), {})
    failover_records = optional(map(object({
      name      = optional(string)
      type      = optional(string)
      ttl       = optional(number)
      primary   = object({ values = set(string), health_check = string })
      secondary = object({ values = set(string), health_check = optional(string) })
    })), {})
    geolocation_records = optional(map(object({
      name = optional(string)
      type = optional(string)
      ttl  = optional(number)
      answers = map(object({
        continent    = optional(string)
        country      = optional(string)
        subdivision  = optional(string)
        values       = set(string)
        health_check = optional(string)
      }))
    })), {})
    health_checks = optional(map(object({
      host        = string
      protocol    = optional(string)
      port        = optional(number)
      path        = optional(string)
      search_text = optional(string)
    })), {})
  })
  default = null
}

variable "network" {
  description = <<-EOT
    The network of whatever needs machines; null for none. See modules/network.
    - `address_range`: IPv4 range, another one in each environment.
    - `zones`: three availability zones; a, b and c of the home region when left out.
    - `nat`: how private subnets reach the internet.
    - `flow_logs`: record of connections; null for none.
    - `writable_foreign_buckets`: other accounts' buckets that may be written to from here.
  EOT
  type = object({
    address_range = string
    zones         = optional(list(string))
    nat = optional(object({
      kind          = string
      instance_type = optional(string)
      renewed       = optional(string)
    }), { kind = "none" })
    flow_logs = optional(object({
      retention_days      = optional(number)
      traffic             = optional(string)
      aggregation_seconds = optional(number)
    }))
    writable_foreign_buckets = optional(set(string))
  })
  default = null
}

variable "registry" {
  description = "Repositories of container images by name: `home` region, and `us_east_1`, where EvalAI pushes. See modules/registry."
  type = object({
    home = optional(map(object({
      description   = string
      keep_images   = optional(number)
      untagged_days = optional(number)
      })), {
      leaderboard = { description = "Runs the agent of a participant on the routes of a leaderboard." }
      logcopy     = { description = "Carries logs and results out of the pod of a submission." }
      simulator   = { description = "The CARLA simulator." }
    })
    us_east_1 = optional(map(object({
      description         = string
      keep_images         = optional(number)
      untagged_days       = optional(number)
      push_principal_arns = optional(set(string))
      })), {
      submissions = { description = "Agents of participants as EvalAI pushed them." }
    })
  })
  default  = {}
  nullable = false
}
