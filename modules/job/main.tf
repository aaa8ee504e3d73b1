# One kind of job: what it runs, what each attempt gets, when it is tried again.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _is_on_instances = var.job.gpus > 0

  # In the words and the order of the API, so that a plan compares like with like.
  _requirements = concat(
    [{ type = "VCPU", value = tostring(var.job.vcpus) }, { type = "MEMORY", value = tostring(var.job.memory_mib) }],
    local._is_on_instances ? [{ type = "GPU", value = tostring(var.job.gpus) }] : [],
  )

  _container = merge(
    {
      image                = var.job.image
      command              = var.job.command
      environment          = [for name, value in var.job.environment : { name = name, value = value }]
      secrets              = [for name, arn in var.job.secrets : { name = name, valueFrom = arn }]
      resourceRequirements = local._requirements
      executionRoleArn     = aws_iam_role.execution.arn
      jobRoleArn           = aws_iam_role.job.arn
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = var.log_group.name
          awslogs-region        = data.aws_region.current.name
          awslogs-stream-prefix = var.name
        }
      }
    },
    local._is_on_instances ? null : {
      networkConfiguration = { assignPublicIp = "DISABLED" }
      runtimePlatform      = { cpuArchitecture = upper(var.job.architecture), operatingSystemFamily = "LINUX" }
    },
    var.job.disk_gib == null ? null : { ephemeralStorage = { sizeInGiB = var.job.disk_gib } },
  )

  # What is worth another attempt; the last line ends whatever else went wrong.
  _interruptions = [
    { action = "RETRY", on_status_reason = "Host EC2*", on_reason = null },
    { action = "RETRY", on_status_reason = "Your Spot Task was interrupted*", on_reason = null },
    { action = "RETRY", on_status_reason = "Timeout waiting for network interface provisioning*", on_reason = null },
    { action = "RETRY", on_status_reason = null, on_reason = "CannotPullContainerError*" },
    { action = "EXIT", on_status_reason = null, on_reason = "*" },
  ]
}

# A change is a new revision, and the old one is deregistered: jobs submitted with it run on.
resource "aws_batch_job_definition" "this" {
  name                  = var.name
  type                  = "container"
  platform_capabilities = [local._is_on_instances ? "EC2" : "FARGATE"]
  parameters            = var.job.parameters
  propagate_tags        = true
  container_properties  = jsonencode(local._container)

  retry_strategy {
    attempts = var.job.attempts

    dynamic "evaluate_on_exit" {
      for_each = var.job.retry_on == "interruption" && var.job.attempts > 1 ? local._interruptions : []

      content {
        action           = evaluate_on_exit.value.action
        on_status_reason = evaluate_on_exit.value.on_status_reason
        on_reason        = evaluate_on_exit.value.on_reason
      }
    }
  }

  timeout {
    attempt_duration_seconds = var.job.timeout_seconds
  }

  # A job may be submitted as soon as there is a definition: its rights have to be there first.
  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.job]
}
