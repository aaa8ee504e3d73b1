# Staging: prod in small, where a release is tried out. Nothing idles that can be zero. Put in what
# is marked "yours" and commit it: there is no secret in it.
environment = "staging"
account_id  = "123456789012" # yours; an account that holds nothing else
region      = "eu-central-1"
prefix      = "staging-"

alarms = {
  email_addresses = { team = "team@example.org" } # yours; the address must confirm AWS's mail
}

logs = { level = "DEBUG", retention_days = 14 }

api = {
  allowed_addresses = ["192.0.2.0/24"] # yours: office and rigs; leave it out to let everybody call

  # A loop in a script under test must not become a bill.
  limits = { rate = 20, burst = 40, key_rate = 10, key_burst = 20, key_daily_quota = 10000 }
}

batch = {
  compute = {
    gpu-spot      = { kind = "gpu-spot", max_vcpus = 16, instance_types = ["g5.xlarge", "g5.2xlarge", "g6.xlarge", "g6.2xlarge"] }
    gpu-on-demand = { kind = "gpu-on-demand", max_vcpus = 8, instance_types = ["g5.xlarge", "g6.xlarge"] }
    processors    = { kind = "fargate-spot", max_vcpus = 16 }
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
  kubernetes = { version = "1.36", public_access_ranges = ["192.0.2.0/24"] }
  addons = {
    coredns                = "v1.14.3-eksbuild.16"
    eks-pod-identity-agent = "v1.3.10-eksbuild.3"
    kube-proxy             = "v1.36.0-eksbuild.21"
    vpc-cni                = "v1.22.4-eksbuild.3"
  }

  access = {
    operators = { principal_arn = "arn:aws:iam::123456789012:role/operators", policy = "cluster-admin" } # yours
  }

  system_nodes = { instance_types = ["t3.medium", "t3a.medium"], capacity = "spot", min = 1, max = 3 }

  # None runs until a pod asks for a GPU.
  gpu_node_groups = {
    gpu-spot = { instance_types = ["g5.2xlarge", "g6.2xlarge", "g4dn.2xlarge"], capacity = "spot", max = 2 }

    # Submissions: four GPUs in one machine.
    leaderboards-spot = { instance_types = ["g5.12xlarge", "g6.12xlarge", "g4dn.12xlarge"], capacity = "spot", gpus = 4, max = 2, disk_gib = 400, labels = { workload = "submissions" } }
  }
}

dns = {
  domain = "staging.example.org" # yours
  # Wait for the certificate once the domain is delegated: make apply prints the record for it.
  certificate = { alternative_names = ["*.staging.example.org"], is_awaited = false }
}

# Which repositories EvalAI makes for teams: the challenge's name in its addresses.
evalai = {
  image_repositories = ["carla-challenge-participant-team-*"] # yours
}

# The same two as prod's, sooner given up.
leaderboards = {
  leaderboard-10 = {
    evaluation  = { version = "1.0", routes = 36 }
    workers     = 2
    node_labels = { workload = "submissions" }
    deadlines   = { waiting_seconds = 7200, run_seconds = 43200, grace_seconds = 120 }
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
    deadlines   = { waiting_seconds = 7200, run_seconds = 43200, grace_seconds = 120 }
    pace        = { watch_seconds = 30, interim_seconds = 300, upload_seconds = 30 }
    containers = {
      simulator = { cpu_millis = 8000, memory_mib = 24576, disk_gib = 40 }
      evaluator = { cpu_millis = 4000, memory_mib = 8192, disk_gib = 20 }
      agent     = { cpu_millis = 8000, memory_mib = 32768, disk_gib = 60 }
    }
  }
}

network = {
  address_range = "10.20.0.0/16" # yours; another one in each environment
  zones         = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  nat           = { kind = "instance" }
  flow_logs     = { retention_days = 7, traffic = "REJECT" }
}

recordings = {
  redshift = {
    monthly_hours = 20
    # Better no catalogue for the rest of the month than a bill.
    breach_action = "deactivate"
  }

  # What is tried out here shall be deletable after a month.
  storage = {
    object_lock               = { mode = "GOVERNANCE", days = 30 }
    glacier_after_days        = 30
    deep_archive_after_days   = 120
    processed_noncurrent_days = 7
  }

  work = {
    ingest                 = { queue = { batch_size = 10, max_concurrency = 2 } }
    preprocess             = { queue = { batch_size = 1, max_concurrency = 2 } }
    reconcile              = { incomplete_after_hours = 4 }
    oldest_message_seconds = 7200
  }
}
