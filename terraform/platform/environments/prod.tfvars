# Prod: sturdy where staging is cheap. Put in what is marked "yours" and commit it: there is no
# secret in it.
environment = "prod"
account_id  = "210987654321" # yours; an account that holds nothing else
region      = "eu-central-1"
prefix      = "" # names without a prefix

alarms = {
  email_addresses = { # yours; each address must confirm AWS's mail
    team   = "team@example.org"
    oncall = "oncall@example.org"
  }
}

logs = { level = "INFO", retention_days = 365 }

api = {
  allowed_addresses = ["192.0.2.0/24", "198.51.100.0/24"] # yours: office and rigs; leave it out to let everybody call
  limits            = { rate = 200, burst = 400, key_rate = 50, key_burst = 100, key_daily_quota = 200000 }
}

batch = {
  compute = {
    gpu-spot      = { kind = "gpu-spot", max_vcpus = 64, instance_types = ["g5.xlarge", "g5.2xlarge", "g6.xlarge", "g6.2xlarge"] }
    gpu-on-demand = { kind = "gpu-on-demand", max_vcpus = 32, instance_types = ["g5.xlarge", "g6.xlarge"] }
    processors    = { kind = "fargate-spot", max_vcpus = 64 }
  }
  queues = {
    gpu        = { priority = 20, compute = ["gpu-spot", "gpu-on-demand"] }
    processors = { priority = 10, compute = ["processors"] }
  }
  job_definitions = {
    # Submit it to see that images, network, roles and logs work.
    smoke = {
      image           = "public.ecr.aws/docker/library/busybox:1.37"
      command         = ["echo", "Batch works"]
      vcpus           = 0.25
      memory_mib      = 512
      timeout_seconds = 300
    }
  }
}

cluster = {
  # Yours: offices from which kubectl is used. Nodes reach the cluster inside the network.
  kubernetes = { version = "1.36", public_access_ranges = ["192.0.2.0/24", "198.51.100.0/24"] }
  addons = {
    coredns                = "v1.14.3-eksbuild.16"
    eks-pod-identity-agent = "v1.3.10-eksbuild.3"
    kube-proxy             = "v1.36.0-eksbuild.21"
    vpc-cni                = "v1.22.4-eksbuild.3"
  }

  access = {
    operators = { principal_arn = "arn:aws:iam::210987654321:role/operators", policy = "cluster-admin" } # yours
  }

  system_nodes = { instance_types = ["m6i.large", "m6a.large"], capacity = "on-demand", min = 3, max = 6 }

  # None runs until a pod asks for a GPU.
  gpu_node_groups = {
    gpu-spot      = { instance_types = ["g5.2xlarge", "g6.2xlarge", "g4dn.2xlarge"], capacity = "spot", max = 8 }
    gpu-on-demand = { instance_types = ["g5.2xlarge"], capacity = "on-demand", max = 4 }

    # Submissions: four GPUs in one machine. When Spot has none the autoscaler takes the second group.
    leaderboards-spot      = { instance_types = ["g5.12xlarge", "g6.12xlarge", "g4dn.12xlarge"], capacity = "spot", gpus = 4, max = 6, disk_gib = 400, labels = { workload = "submissions" } }
    leaderboards-on-demand = { instance_types = ["g5.12xlarge"], capacity = "on-demand", gpus = 4, max = 2, disk_gib = 400, labels = { workload = "submissions" } }
  }
}

dns = {
  domain = "example.org" # yours
  # Wait for the certificate once the domain is delegated: make apply prints the record for it.
  certificate = { alternative_names = ["*.example.org"], is_awaited = false }
}

# Which repositories EvalAI makes for teams: the challenge's name in its addresses.
evalai = {
  image_repositories = ["carla-challenge-participant-team-*"] # yours
}

# Two workers take the four GPUs of a machine, 40 of its 48 vCPUs and 128 of its 192 GiB.
leaderboards = {
  leaderboard-10 = {
    evaluation  = { version = "1.0", routes = 36 }
    workers     = 2
    node_labels = { workload = "submissions" }
    deadlines   = { waiting_seconds = 14400, run_seconds = 86400, grace_seconds = 120 }
    pace        = { watch_seconds = 30, interim_seconds = 300, upload_seconds = 30 }
    containers = {
      simulator = { cpu_millis = 8000, memory_mib = 24576, disk_gib = 40 }
      evaluator = { cpu_millis = 4000, memory_mib = 8192, disk_gib = 20 }
      agent     = { cpu_millis = 8000, memory_mib = 32768, disk_gib = 60 }
    }
  }
  leaderboard-20 = {
    evaluation  = { version = "2.0", routes = 25 }
    workers     = 2
    node_labels = { workload = "submissions" }
    deadlines   = { waiting_seconds = 14400, run_seconds = 86400, grace_seconds = 120 }
    pace        = { watch_seconds = 30, interim_seconds = 300, upload_seconds = 30 }
    containers = {
      simulator = { cpu_millis = 8000, memory_mib = 24576, disk_gib = 40 }
      evaluator = { cpu_millis = 4000, memory_mib = 8192, disk_gib = 20 }
      agent     = { cpu_millis = 8000, memory_mib = 32768, disk_gib = 60 }
    }
  }
}

network = {
  address_range = "10.30.0.0/16" # yours; another one in each environment
  zones         = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  nat           = { kind = "gateway-per-zone" }
  flow_logs     = { retention_days = 90, traffic = "ALL" }
}

recordings = {
  redshift = {
    base_capacity = 8
    max_capacity  = 16
    monthly_hours = 120
    # Beyond these hours a metric says so; the catalogue goes on.
    breach_action = "emit-metric"
  }

  # GOVERNANCE can still be lifted by a role that may; COMPLIANCE by nobody, AWS support included,
  # until the days are over. Begin with the first, and change once you trust what is written.
  storage = {
    object_lock               = { mode = "GOVERNANCE", days = 3650 }
    glacier_after_days        = 30
    deep_archive_after_days   = 180
    processed_noncurrent_days = 90
  }

  work = {
    ingest     = { queue = { batch_size = 10, max_concurrency = 10 } }
    preprocess = { queue = { batch_size = 1, max_concurrency = 20 } }
    reconcile  = { incomplete_after_hours = 24 }
  }
}
