# Queues of jobs, where they run, and what can be submitted to them.

module "compute" {
  source   = "../compute"
  for_each = var.compute

  name          = "${var.name}-${each.key}"
  compute       = each.value
  log_group_arn = aws_cloudwatch_log_group.jobs.arn

  network = {
    vpc_id            = var.network.vpc_id
    subnet_ids        = var.network.subnet_ids
    security_group_id = aws_security_group.jobs.id
  }
}

module "job" {
  source   = "../job"
  for_each = var.job_definitions

  name      = "${var.name}-${each.key}"
  job       = each.value
  log_group = { name = aws_cloudwatch_log_group.jobs.name, arn = aws_cloudwatch_log_group.jobs.arn }
}

locals {
  # Why a job at the head of its queue cannot start.
  _obstacles = [
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
  ]
}

resource "aws_batch_job_queue" "this" {
  for_each = var.queues

  name     = "${var.name}-${each.key}"
  state    = "ENABLED"
  priority = each.value.priority

  dynamic "compute_environment_order" {
    for_each = each.value.compute

    content {
      order               = compute_environment_order.key + 1
      compute_environment = module.compute[compute_environment_order.value].compute_environment.arn
    }
  }

  # What nothing can run would hold back everything behind it for ever.
  dynamic "job_state_time_limit_action" {
    for_each = each.value.patience_seconds == 0 ? [] : local._obstacles

    content {
      action           = "CANCEL"
      state            = "RUNNABLE"
      reason           = job_state_time_limit_action.value
      max_time_seconds = each.value.patience_seconds
    }
  }
}
