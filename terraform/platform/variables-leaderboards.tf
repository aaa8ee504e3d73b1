# Challenges. Without a leaderboard nothing of EvalAI is there.

variable "evalai" {
  description = <<-EOT
    What all leaderboards share. It is there as soon as there is one of them.
    - `image_repositories`: in us-east-1, those that EvalAI makes for teams (<challenge>-participant-team-<number>) and lets
      them push to; patterns with * at the end. Without any, only the repository `submissions` can be pushed to.
    - `contents`: how public contents are delivered, under which names, and where is written who asked; see modules/contents.
  EOT
  type = object({
    image_repositories = optional(set(string), [])
    contents = optional(object({
      access_log = optional(object({ bucket = string }))
      delivery   = optional(object({ price_class = optional(string), web_acl_arn = optional(string) }), {})
      own_names  = optional(object({ names = set(string), certificate_arn = string }))
    }), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for pattern in var.evalai.image_repositories : can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*-participant-team-[*]$", pattern))])
    error_message = "evalai.image_repositories: write the challenge's name in EvalAI's addresses and -participant-team-*, for example carla-autonomous-driving-challenge-participant-team-*."
  }

  validation {
    condition     = length(var.leaderboards) == 0 || length(var.evalai.image_repositories) > 0 || contains(keys(var.registry.us_east_1), "submissions")
    error_message = "evalai.image_repositories: write at least one, or leave registry.us_east_1 its repository submissions; participants have to push somewhere."
  }
}

variable "leaderboards" {
  description = <<-EOT
    Leaderboards by name, such as leaderboard-10: a queue that EvalAI sends to, and what runs a submission and says how good
    it was. They need `cluster`. See modules/leaderboard for what is left out.
    - `evaluation`: what a complete result looks like: format, CARLA's version, routes, repetitions; EvalAI's split and labels.
    - `workers`: how many simulators share the routes of a submission; `containers`: what each container may use.
    - `images`: whole references; the home registry's repositories with the tag `stable` where left out.
    - `node_labels`, `on_disruption`: which nodes it runs on, and what happens when one is lost.
    - `deadlines`, `pace`: seconds to wait, run and finish; seconds between two looks.
    - `alarms`: thresholds. `storage`: how long what is kept. `work`: memory and times of the functions.
  EOT
  type = map(object({
    evaluation = object({
      format              = optional(string)
      version             = optional(string)
      routes              = number
      repetitions         = optional(number)
      split               = optional(string)
      labels              = optional(list(string))
      show_to_participant = optional(bool)
    })
    workers = optional(number, 1)
    images  = optional(object({ simulator = optional(string), leaderboard = optional(string), logcopy = optional(string) }), {})
    containers = optional(object({
      simulator = optional(object({ cpu_millis = optional(number), memory_mib = optional(number), disk_gib = optional(number), gpus = optional(number, 1) }), {})
      evaluator = optional(object({ cpu_millis = optional(number), memory_mib = optional(number), disk_gib = optional(number), gpus = optional(number, 0) }), {})
      agent     = optional(object({ cpu_millis = optional(number), memory_mib = optional(number), disk_gib = optional(number), gpus = optional(number, 1) }), {})
    }), {})
    node_labels   = optional(map(string))
    on_disruption = optional(string)
    deadlines     = optional(object({ waiting_seconds = optional(number), run_seconds = optional(number), grace_seconds = optional(number) }), {})
    pace          = optional(object({ watch_seconds = optional(number), interim_seconds = optional(number), upload_seconds = optional(number) }), {})
    alarms        = optional(object({ failed_percent = optional(number), failed_least = optional(number), oldest_message_seconds = optional(number) }), {})
    storage = optional(object({
      archive_after_days = optional(number)
      overwritten_days   = optional(number)
      kms_key_arn        = optional(string)
      access_log_bucket  = optional(string)
    }), {})
    work = optional(object({
      start = optional(object({
        memory_size = optional(number)
        timeout     = optional(number)
        queue       = optional(object({ batch_size = optional(number), max_concurrency = optional(number) }))
      }))
      run          = optional(object({ memory_size = optional(number), timeout = optional(number) }))
      reconcile    = optional(object({ memory_size = optional(number), timeout = optional(number), schedule = optional(string) }))
      max_receives = optional(number)
    }), {})
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(var.leaderboards) == 0 || var.cluster != null
    error_message = "leaderboards: write cluster as well; submissions run in it."
  }

  validation {
    condition     = length(var.leaderboards) == 0 || var.local != null ? true : try(var.network.nat.kind, "none") != "none"
    error_message = "leaderboards: write a network.nat of another kind than none; functions in the network speak to EvalAI."
  }

  validation {
    condition     = length(var.leaderboards) == 0 || length(var.prefix) <= 22
    error_message = "leaderboards: prefix: write at most 22 characters; the bucket leaderboard-private-contents has room for no more."
  }

  validation {
    condition = alltrue(flatten([
      for leaderboard in var.leaderboards : [
        for image, reference in leaderboard.images : reference != null || contains(keys(var.registry.home), image)
      ]
    ]))
    error_message = "leaderboards: images: write simulator, leaderboard and logcopy as whole references, or leave registry.home its repositories of these names."
  }

  # A pod runs on one node. Whoever asks for more GPUs than any node has waits for ever.
  validation {
    condition = var.cluster == null ? true : alltrue([
      for leaderboard in var.leaderboards :
      leaderboard.workers * sum([for container in leaderboard.containers : container.gpus]) <= max(0, [for group in var.cluster.gpu_node_groups : coalesce(group.gpus, 1)]...)
    ])
    error_message = "leaderboards: write fewer workers, or a group in cluster.gpu_node_groups whose nodes have as many GPUs as one submission asks for: workers times the GPUs of its simulator, evaluator and agent."
  }
}
