variable "alarms" {
  description = <<-EOT
    Alarms sent to `topic_arn`; null for none. What is left out or null takes the modules' defaults.
    - `failed_percent`, `failed_least`: so many of a hundred submissions failed within six hours, and at least so many.
    - `oldest_message_seconds`: a message of EvalAI waits so long.
  EOT
  type = object({
    topic_arn              = string
    failed_percent         = optional(number)
    failed_least           = optional(number)
    oldest_message_seconds = optional(number)
  })
  default = null
}

variable "cluster" {
  description = <<-EOT
    Where submissions run.
    - `name`, `endpoint`, `certificate_authority` (base64): as the module cluster puts them out.
    - `network`: where the functions stand that speak to the cluster; null when its endpoint is public.
  EOT
  type = object({
    name                  = string
    endpoint              = string
    certificate_authority = string
    network               = optional(object({ subnet_ids = set(string), security_group_ids = set(string) }))
  })
  nullable = false

  validation {
    condition     = can(regex("^https?://[^/[:space:]]+/?$", var.cluster.endpoint))
    error_message = "cluster.endpoint: write the address of the cluster's API, for example https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com."
  }
}

variable "environment" {
  description = "Name of the environment: the functions' own, and a dimension of their metrics."
  type        = string
}

variable "evalai" {
  description = <<-EOT
    What all leaderboards share.
    - `secret_arn`, `tracks_secret_arn`: EvalAI's address and token; which phase is whose track.
    - `budget_table`: where the functions count their calls of EvalAI.
    - `queues`: the queues of all leaderboards, this one among them, by leaderboard: EvalAI sends the messages of all
      phases of a challenge to one of them, which passes them on.
  EOT
  type = object({
    secret_arn        = string
    tracks_secret_arn = string
    budget_table      = object({ name = string, arn = string })
    queues            = map(object({ url = string, arn = string }))
  })
  nullable = false

  validation {
    condition     = contains(keys(var.evalai.queues), var.name)
    error_message = "evalai.queues: write this leaderboard's queue as well, under the leaderboard's name."
  }
}

variable "is_temporary" {
  description = "Whether results and submissions may be deleted with the environment. Only where they were made up."
  type        = bool
  default     = false
  nullable    = false
}

variable "logs" {
  description = "The logs of functions, state machine and submissions; what is left out or null takes the modules' defaults."
  type        = object({ level = optional(string), retention_days = optional(number), kms_key_arn = optional(string) })
  default     = {}
  nullable    = false
}

variable "name" {
  description = "Name of the leaderboard. Behind the prefix it names queue, table, bucket, log group, state machine and secret."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,17}[a-z0-9]$", var.name))
    error_message = "name: write 2 to 19 lower-case letters, digits and hyphens, beginning with a letter, for example leaderboard-10."
  }
}

variable "package" {
  description = "The functions' code, as the module function takes it."
  type        = object({ path = string, hash = string, layers = list(string), runtime = string, architecture = string })
  nullable    = false
}

variable "prefix" {
  description = "Stands before every name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]{0,24}-)?$", var.prefix))
    error_message = "prefix: write at most 26 lower-case letters, digits and hyphens ending with a hyphen, for example staging-; or nothing."
  }
}

variable "storage" {
  description = <<-EOT
    How results are kept. Nothing that is current ever expires.
    - `archive_after_days`: when files move to a cheaper class that still answers at once.
    - `overwritten_days`: how long earlier versions are kept; a running submission writes its files over and over.
    - `kms_key_arn`: null for keys that S3 manages. `access_log_bucket`: null for no access log.
  EOT
  type = object({
    archive_after_days = optional(number, 90)
    overwritten_days   = optional(number, 7)
    kms_key_arn        = optional(string)
    access_log_bucket  = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.storage.archive_after_days >= 0 && var.storage.overwritten_days >= 1
    error_message = "storage: write archive_after_days from 0 and overwritten_days from 1 up."
  }
}

variable "submission" {
  description = <<-EOT
    How a submission is run, and when its result is complete. What is left out or null takes the default in glue.settings.
    - `evaluation`: `format` (carla, generic), CARLA's `version`, `routes` times `repetitions` make a run complete; `split`,
      `labels` (of the generic format) and `show_to_participant` are EvalAI's.
    - `images`: whole references. `workers`: simulators, evaluators and agents that share the routes.
    - `containers`: what each may use. `node_labels`: which nodes. `on_disruption`: restart or fail when a node is lost.
    - `deadlines`: for a node, for the run, for sending what is left. `pace`: how often is looked and sent. All in seconds.
  EOT
  type = object({
    evaluation = object({
      format              = optional(string)
      version             = optional(string)
      routes              = number
      repetitions         = optional(number)
      split               = optional(string)
      labels              = optional(list(string))
      show_to_participant = optional(bool)
    })
    images  = object({ simulator = string, leaderboard = string, logcopy = string })
    workers = optional(number)
    # A simulator and an agent without a GPU have to be asked for.
    containers = optional(object({
      simulator = optional(object({ cpu_millis = optional(number), memory_mib = optional(number), disk_gib = optional(number), gpus = optional(number, 1) }), {})
      evaluator = optional(object({ cpu_millis = optional(number), memory_mib = optional(number), disk_gib = optional(number), gpus = optional(number, 0) }), {})
      agent     = optional(object({ cpu_millis = optional(number), memory_mib = optional(number), disk_gib = optional(number), gpus = optional(number, 1) }), {})
    }), {})
    node_labels   = optional(map(string))
    on_disruption = optional(string)
    deadlines     = optional(object({ waiting_seconds = optional(number), run_seconds = optional(number), grace_seconds = optional(number) }), {})
    pace          = optional(object({ watch_seconds = optional(number), interim_seconds = optional(number), upload_seconds = optional(number) }), {})
  })
  nullable = false

  validation {
    condition     = contains(["carla", "generic"], coalesce(var.submission.evaluation.format, "carla"))
    error_message = "submission.evaluation.format: write carla or generic."
  }

  validation {
    condition     = contains(["1.0", "2.0", "2.1"], coalesce(var.submission.evaluation.version, "1.0"))
    error_message = "submission.evaluation.version: write 1.0, 2.0 or 2.1, in quotation marks, or leave it out."
  }

  validation {
    condition     = coalesce(var.submission.evaluation.format, "carla") == "generic" ? var.submission.evaluation.version == null && length(coalesce(var.submission.evaluation.labels, [])) > 0 : length(coalesce(var.submission.evaluation.labels, [])) == 0
    error_message = "submission.evaluation: the generic format has labels and no version, CARLA's has labels of its own: leave them out."
  }

  validation {
    condition = alltrue([
      for count in [var.submission.evaluation.routes, coalesce(var.submission.evaluation.repetitions, 1)] :
      count >= 1 && floor(count) == count
    ])
    error_message = "submission.evaluation: write routes and repetitions as whole numbers from 1 up."
  }

  validation {
    condition     = coalesce(var.submission.workers, 1) >= 1 && coalesce(var.submission.workers, 1) <= min(8, var.submission.evaluation.routes) && floor(coalesce(var.submission.workers, 1)) == coalesce(var.submission.workers, 1)
    error_message = "submission.workers: write 1 to 8, and no more than there are routes."
  }

  validation {
    condition     = alltrue([for image in var.submission.images : can(regex("^[^[:space:]]+[:@][^[:space:]/]+$", image))])
    error_message = "submission.images: write whole references with a tag or a digest, for example 123456789012.dkr.ecr.eu-central-1.amazonaws.com/staging-simulator:stable."
  }

  validation {
    condition = alltrue(flatten([
      for container in var.submission.containers : [
        for key, amount in container : amount == null ? true : amount >= (key == "gpus" ? 0 : 1) && floor(amount) == amount
      ]
    ]))
    error_message = "submission.containers: write cpu_millis, memory_mib, disk_gib from 1 and gpus from 0 up, as whole numbers."
  }

  validation {
    condition     = contains(["restart", "fail"], coalesce(var.submission.on_disruption, "restart"))
    error_message = "submission.on_disruption: write restart or fail."
  }

  validation {
    condition = alltrue([
      for seconds in concat(values(var.submission.deadlines), values(var.submission.pace)) :
      seconds == null ? true : seconds >= 1 && floor(seconds) == seconds
    ])
    error_message = "submission: deadlines and pace are whole seconds from 1 up."
  }
}

variable "work" {
  description = <<-EOT
    How hard the functions work.
    - `start`, `run`, `reconcile`: memory (MiB), timeout (s), and how the queue feeds it or how often it runs.
    - `max_receives`: attempts before a message becomes a dead letter, each six timeouts of `start` after the last.
  EOT
  type = object({
    start = optional(object({
      memory_size = optional(number, 512)
      timeout     = optional(number, 60)
      queue       = optional(object({ batch_size = optional(number, 10), max_concurrency = optional(number, 5) }), {})
    }), {})
    run = optional(object({
      memory_size = optional(number, 1024)
      timeout     = optional(number, 120)
    }), {})
    reconcile = optional(object({
      memory_size = optional(number, 1024)
      timeout     = optional(number, 300)
      schedule    = optional(string, "rate(5 minutes)")
    }), {})
    max_receives = optional(number, 5)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.work.run.timeout <= 300
    error_message = "work.run.timeout: write at most 300 seconds; the state machine waits 330 for a step."
  }
}
