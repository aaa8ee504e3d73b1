# Where jobs of Batch run: instances with GPUs, Spot or on demand, or Fargate.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _types      = { gpu-spot = "SPOT", gpu-on-demand = "EC2", fargate-spot = "FARGATE_SPOT", fargate = "FARGATE" }
  _strategies = { gpu-spot = "SPOT_PRICE_CAPACITY_OPTIMIZED", gpu-on-demand = "BEST_FIT_PROGRESSIVE" }

  # One entry for instances, none for Fargate.
  _instances = { for compute in [var.compute] : "this" => compute if startswith(compute.kind, "gpu-") }

  # An environment that a queue uses cannot be deleted, and two cannot have the same name. So the
  # name changes with what cannot be changed in place, and with nothing else: then the new one is
  # made, the queue turns to it, and the old one goes.
  _fixed = { kind = var.compute.kind, vpc_id = var.network.vpc_id }
  name   = "${var.name}-${substr(sha256(jsonencode(local._fixed)), 0, 8)}"
}

resource "aws_batch_compute_environment" "this" {
  compute_environment_name = local.name
  type                     = "MANAGED"

  # No service role: only with the service-linked one can Batch exchange instances in place.
  compute_resources {
    type               = local._types[var.compute.kind]
    max_vcpus          = var.compute.max_vcpus
    min_vcpus          = length(local._instances) == 0 ? null : 0
    subnets            = var.network.subnet_ids
    security_group_ids = [var.network.security_group_id]

    # With BEST_FIT, the default, nothing could be exchanged in place either.
    allocation_strategy = lookup(local._strategies, var.compute.kind, null)
    instance_type       = length(local._instances) == 0 ? null : var.compute.instance_types
    instance_role       = one([for profile in aws_iam_instance_profile.this : profile.arn])

    dynamic "ec2_configuration" {
      for_each = local._instances

      content {
        image_type = ec2_configuration.value.image_type
      }
    }

    dynamic "launch_template" {
      for_each = local._instances

      content {
        launch_template_id = aws_launch_template.this[launch_template.key].id
        version            = aws_launch_template.this[launch_template.key].latest_version
      }
    }
  }

  # Instances are exchanged when nothing runs on them any more, at the latest after this time.
  dynamic "update_policy" {
    for_each = local._instances

    content {
      job_execution_timeout_minutes = update_policy.value.update_patience_minutes
      terminate_jobs_on_update      = false
    }
  }

  lifecycle {
    create_before_destroy = true
  }

  # Until the last instance is gone it needs its rights.
  depends_on = [aws_iam_role_policy.this]
}
