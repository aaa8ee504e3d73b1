# Every rule, broken.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
}

variables {
  environment = "local"
  prefix      = "local-"
  name        = "leaderboard-10"

  package = {
    path         = "code.zip"
    hash         = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    layers       = []
    runtime      = "python3.12"
    architecture = "arm64"
  }

  cluster = { name = "local", endpoint = "https://kubernetes.example.org", certificate_authority = "Y2VydGlmaWNhdGU=" }

  evalai = {
    secret_arn        = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-evalai-abcdef"
    tracks_secret_arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-evalai-tracks-abcdef"
    budget_table      = { name = "local-evalai-budget", arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/local-evalai-budget" }

    queues = {
      leaderboard-10 = { url = "https://sqs.eu-central-1.amazonaws.com/000000000000/local-leaderboard-10", arn = "arn:aws:sqs:eu-central-1:000000000000:local-leaderboard-10" }
      leaderboard-20 = { url = "https://sqs.eu-central-1.amazonaws.com/000000000000/local-leaderboard-20", arn = "arn:aws:sqs:eu-central-1:000000000000:local-leaderboard-20" }
    }
  }

  submission = {
    evaluation = { version = "1.0", routes = 36 }
    images = {
      simulator   = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-simulator:stable"
      leaderboard = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-leaderboard:stable"
      logcopy     = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-logcopy:stable"
    }
  }
}

run "refuses_cluster_without_address" {
  command = plan
  variables {
    cluster = { name = "local", endpoint = "kubernetes.example.org", certificate_authority = "" }
  }
  expect_failures = [var.cluster]
}

run "refuses_queues_without_its_own" {
  command = plan
  variables {
    evalai = {
      secret_arn        = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-evalai-abcdef"
      tracks_secret_arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-evalai-tracks-abcdef"
      budget_table      = { name = "local-evalai-budget", arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/local-evalai-budget" }
      queues            = {}
    }
  }
  expect_failures = [var.evalai]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "Leaderboard_10"
  }
  expect_failures = [var.name]
}

run "refuses_bad_prefix" {
  command = plan
  variables {
    prefix = "Local_"
  }
  expect_failures = [var.prefix]
}

run "refuses_bad_storage" {
  command = plan
  variables {
    storage = { overwritten_days = 0 }
  }
  expect_failures = [var.storage]
}

run "refuses_slow_step" {
  command = plan
  variables {
    work = { run = { timeout = 301 } }
  }
  expect_failures = [var.work]
}

run "refuses_unknown_format" {
  command = plan
  variables {
    submission = {
      evaluation = { format = "text", routes = 10 }
      images     = { simulator = "simulator:1", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
    }
  }
  expect_failures = [var.submission]
}

run "refuses_unknown_version" {
  command = plan
  variables {
    submission = {
      evaluation = { version = "3.0", routes = 10 }
      images     = { simulator = "simulator:1", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
    }
  }
  expect_failures = [var.submission]
}

run "refuses_generic_without_labels" {
  command = plan
  variables {
    submission = {
      evaluation = { format = "generic", routes = 10 }
      images     = { simulator = "simulator:1", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
    }
  }
  expect_failures = [var.submission]
}

run "refuses_generic_with_version" {
  command = plan
  variables {
    submission = {
      evaluation = { format = "generic", version = "1.0", labels = ["Accuracy"], routes = 10 }
      images     = { simulator = "simulator:1", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
    }
  }
  expect_failures = [var.submission]
}

run "refuses_carla_with_labels" {
  command = plan
  variables {
    submission = {
      evaluation = { labels = ["Accuracy"], routes = 10 }
      images     = { simulator = "simulator:1", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
    }
  }
  expect_failures = [var.submission]
}

run "refuses_no_routes" {
  command = plan
  variables {
    submission = {
      evaluation = { routes = 0 }
      images     = { simulator = "simulator:1", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
    }
  }
  expect_failures = [var.submission]
}

run "refuses_half_a_repetition" {
  command = plan
  variables {
    submission = {
      evaluation = { routes = 10, repetitions = 1.5 }
      images     = { simulator = "simulator:1", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
    }
  }
  expect_failures = [var.submission]
}

run "refuses_more_workers_than_routes" {
  command = plan
  variables {
    submission = {
      evaluation = { routes = 2 }
      images     = { simulator = "simulator:1", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
      workers    = 3
    }
  }
  expect_failures = [var.submission]
}

run "refuses_too_many_workers" {
  command = plan
  variables {
    submission = {
      evaluation = { routes = 10 }
      images     = { simulator = "simulator:1", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
      workers    = 9
    }
  }
  expect_failures = [var.submission]
}

run "refuses_image_without_tag" {
  command = plan
  variables {
    submission = {
      evaluation = { routes = 10 }
      images     = { simulator = "simulator", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
    }
  }
  expect_failures = [var.submission]
}

run "refuses_half_a_gpu" {
  command = plan
  variables {
    submission = {
      evaluation = { routes = 10 }
      images     = { simulator = "simulator:1", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
      containers = { agent = { gpus = 0.5 } }
    }
  }
  expect_failures = [var.submission]
}

run "refuses_unknown_disruption" {
  command = plan
  variables {
    submission = {
      evaluation    = { routes = 10 }
      images        = { simulator = "simulator:1", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
      on_disruption = "wait"
    }
  }
  expect_failures = [var.submission]
}

run "refuses_no_time" {
  command = plan
  variables {
    submission = {
      evaluation = { routes = 10 }
      images     = { simulator = "simulator:1", leaderboard = "leaderboard:1", logcopy = "logcopy:1" }
      deadlines  = { run_seconds = 0 }
    }
  }
  expect_failures = [var.submission]
}
