variable "job" {
  description = <<-EOT
    What it runs, and what each attempt gets.
    - `image`: with a tag or digest. `command`: its arguments; `Ref::name` stands for a parameter of the job, whose default is in `parameters`.
    - `vcpus`, `memory_mib`, `gpus`: what each attempt gets. With GPUs it runs on instances, without on Fargate, which knows certain sizes only.
    - `architecture`: x86_64 or arm64 (Fargate only). `disk_gib`: 21 to 200, Fargate only; null for its 20.
    - `timeout_seconds`: an attempt that takes longer is ended, and not tried again.
    - `attempts`, and `retry_on`: interruption (Spot took the machine back, or it never started) or failure (any at all).
    - `environment`: variables, no secrets. `secrets`: variables, and the ARN of the secret or parameter that holds each.
    - `policy_statements`: what the job may do, by name, as in the module function. Without any it has no rights.
  EOT
  type = object({
    image           = string
    command         = optional(list(string), [])
    parameters      = optional(map(string), {})
    vcpus           = number
    memory_mib      = number
    gpus            = optional(number, 0)
    architecture    = optional(string, "x86_64")
    disk_gib        = optional(number)
    timeout_seconds = number
    attempts        = optional(number, 3)
    retry_on        = optional(string, "interruption")
    environment     = optional(map(string), {})
    secrets         = optional(map(string), {})
    policy_statements = optional(map(object({
      actions   = set(string)
      resources = set(string)
      condition = optional(map(map(list(string))), {})
    })), {})
  })
  nullable = false

  validation {
    condition     = can(regex("(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$", var.job.image)) && !endswith(var.job.image, ":latest")
    error_message = "job.image: name a tag other than latest, or a digest; otherwise nobody knows what ran."
  }

  validation {
    condition = var.job.gpus > 0 ? true : try(contains({
      "0.25" = [512, 1024, 2048]
      "0.5"  = range(1024, 4097, 1024)
      "1"    = range(2048, 8193, 1024)
      "2"    = range(4096, 16385, 1024)
      "4"    = range(8192, 30721, 1024)
      "8"    = range(16384, 61441, 4096)
      "16"   = range(32768, 122881, 8192)
    }[tostring(var.job.vcpus)], var.job.memory_mib), false)
    error_message = "job.memory_mib: Fargate knows 0.25 vCPU with 512, 1024 or 2048 MiB, 0.5 with 1024 to 4096, 1 with 2048 to 8192, 2 with 4096 to 16384, 4 with 8192 to 30720 (in steps of 1024), 8 with 16384 to 61440 (of 4096) and 16 with 32768 to 122880 (of 8192)."
  }

  validation {
    condition     = var.job.gpus >= 0 && floor(var.job.gpus) == var.job.gpus && (var.job.gpus == 0 || floor(var.job.vcpus) == var.job.vcpus)
    error_message = "job.gpus: write a whole number, and with GPUs whole vcpus."
  }

  validation {
    condition     = contains(var.job.gpus > 0 ? ["x86_64"] : ["x86_64", "arm64"], var.job.architecture)
    error_message = "job.architecture: write x86_64 or arm64; with GPUs x86_64."
  }

  validation {
    condition     = var.job.disk_gib == null ? true : var.job.gpus == 0 && var.job.disk_gib >= 21 && var.job.disk_gib <= 200
    error_message = "job.disk_gib: write 21 to 200 for a job on Fargate; with GPUs the instance's disk counts."
  }

  validation {
    condition     = var.job.timeout_seconds >= 60 && var.job.timeout_seconds <= 1209600
    error_message = "job.timeout_seconds: write 60 to 1209600 (14 days)."
  }

  validation {
    condition     = var.job.attempts >= 1 && var.job.attempts <= 10
    error_message = "job.attempts: write 1 to 10."
  }

  validation {
    condition     = contains(["interruption", "failure"], var.job.retry_on)
    error_message = "job.retry_on: write interruption or failure."
  }

  validation {
    condition = alltrue([
      for key in concat(keys(var.job.environment), keys(var.job.secrets)) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", key)) && !startswith(key, "AWS_BATCH")
    ])
    error_message = "job.environment: write names of letters, digits and underscores; those beginning with AWS_BATCH are Batch's own."
  }

  validation {
    condition = alltrue([
      for arn in values(var.job.secrets) : can(regex("^arn:[^:]+:(secretsmanager:[^:]+:[0-9]{12}:secret:|ssm:[^:]+:[0-9]{12}:parameter/).+$", arn))
    ])
    error_message = "job.secrets: write the ARN of a secret of Secrets Manager or of a parameter of Systems Manager."
  }

  validation {
    condition = alltrue([for statement in var.job.policy_statements : (
      length(statement.actions) > 0 && length(statement.resources) > 0 &&
      alltrue([for action in statement.actions : can(regex("^[a-z0-9-]+:[A-Z][A-Za-z]+$", action))])
    )])
    error_message = "job.policy_statements: name at least one action, each in full, for example s3:GetObject, and one resource."
  }
}

variable "log_group" {
  description = "The log group the job writes to: name and ARN."
  type        = object({ name = string, arn = string })
  nullable    = false
}

variable "name" {
  description = "Name of the job definition, of its role and (before -execution) of its execution role."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,52}[a-z0-9]$", var.name))
    error_message = "name: write 2 to 54 lower-case letters, digits and hyphens, beginning with a letter."
  }
}
