# Tags of the provider reach what Terraform makes, not what Batch launches.
data "aws_default_tags" "current" {}

resource "aws_launch_template" "this" {
  for_each = local._instances

  name                   = var.name
  description            = "Instances for jobs of ${var.name}."
  update_default_version = true

  # A job in a container is one hop further away and does not reach the instance's credentials.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size           = each.value.disk_gib
      volume_type           = "gp3"
      encrypted             = true
      kms_key_id            = each.value.disk_kms_key_arn
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = ["instance", "volume"]

    content {
      resource_type = tag_specifications.value
      tags          = merge(data.aws_default_tags.current.tags, { Name = var.name })
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_iam_role" "this" {
  for_each = local._instances

  name        = "${var.name}-instance"
  description = "What instances for jobs of ${var.name} may do; jobs have roles of their own."

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = local._instances

  name = "instance"
  role = aws_iam_role.this[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "WriteLog", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = ["${var.log_group_arn}:*"] },
      # ECS knows no resources for the question where its endpoint is.
      { Sid = "FindEndpoint", Effect = "Allow", Action = ["ecs:DiscoverPollEndpoint"], Resource = ["*"] },
      {
        Sid    = "JoinCluster"
        Effect = "Allow"
        Action = [
          "ecs:DeregisterContainerInstance", "ecs:Poll", "ecs:RegisterContainerInstance", "ecs:StartTelemetrySession",
          "ecs:SubmitAttachmentStateChanges", "ecs:SubmitContainerStateChange", "ecs:SubmitTaskStateChange",
          "ecs:UpdateContainerInstancesState",
        ]
        # Batch names clusters after the environments it makes them for.
        Resource = [
          for kind in ["cluster", "container-instance"] : join(":", [
            "arn", data.aws_partition.current.partition, "ecs", data.aws_region.current.name,
            data.aws_caller_identity.current.account_id, "${kind}/*${var.name}-*",
          ])
        ]
      },
    ]
  })
}

resource "aws_iam_instance_profile" "this" {
  for_each = local._instances

  name = "${var.name}-instance"
  role = aws_iam_role.this[each.key].name
}
