# The local cloud. Its own facts (endpoint, database) come from build/local/local.tfvars.json.
environment = "local"
account_id  = "000000000000"
prefix      = "local-"

logs = { level = "INFO", retention_days = 1 }

api = {
  # One machine plays all rigs and all researchers at once.
  limits = {
    rate            = 2000
    burst           = 4000
    token_rate      = 200
    token_burst     = 400
    key_rate        = 1000
    key_burst       = 2000
    key_daily_quota = 10000000
  }
}

recordings = {
  storage = {
    object_lock = { mode = "GOVERNANCE", days = 1 }
  }

  # Short timeouts make failures come back soon: the next attempt is six timeouts later.
  work = {
    ingest       = { timeout = 10 }
    preprocess   = { timeout = 30 }
    reconcile    = { timeout = 30 }
    max_receives = 3
  }
}

# Machines are played by the emulator and cost nothing: everything is here that prod has, in small.
batch = {
  compute = {
    processors = { kind = "fargate-spot", max_vcpus = 8 }
  }
  queues = {
    processors = { priority = 10, compute = ["processors"] }
  }
  job_definitions = {
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
  kubernetes = { version = "1.36" }
  addons = {
    coredns                = "v1.14.3-eksbuild.16"
    eks-pod-identity-agent = "v1.3.10-eksbuild.3"
    kube-proxy             = "v1.36.0-eksbuild.21"
    vpc-cni                = "v1.22.4-eksbuild.3"
  }

  access = {
    operators = { principal_arn = "arn:aws:iam::000000000000:role/operators", policy = "cluster-admin" }
  }

  gpu_node_groups = {
    gpu-spot          = { instance_types = ["g5.2xlarge", "g6.2xlarge", "g4dn.2xlarge"], capacity = "spot", max = 2 }
    leaderboards-spot = { instance_types = ["g5.12xlarge", "g6.12xlarge", "g4dn.12xlarge"], capacity = "spot", gpus = 4, max = 2 }
  }
}

# Two challenges that go by in seconds. Their deadlines are real time, so they are short as well.
leaderboards = {
  leaderboard-10 = {
    evaluation = { version = "1.0", routes = 36 }
    deadlines  = { waiting_seconds = 300, run_seconds = 600, grace_seconds = 30 }
    pace       = { watch_seconds = 1, interim_seconds = 5, upload_seconds = 1 }
  }
  leaderboard-20 = {
    evaluation = { version = "2.0", routes = 25 }
    workers    = 2
    deadlines  = { waiting_seconds = 300, run_seconds = 600, grace_seconds = 30 }
    pace       = { watch_seconds = 1, interim_seconds = 5, upload_seconds = 1 }
  }
}

network = {
  address_range = "10.10.0.0/16"
  flow_logs     = { retention_days = 1 }
}
