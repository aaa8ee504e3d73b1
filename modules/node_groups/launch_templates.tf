resource "aws_launch_template" "this" {
  for_each = local._groups

  name                   = "${var.cluster.name}-${each.key}"
  description            = "Nodes of ${var.cluster.name}: ${each.key}."
  update_default_version = true

  # One hop: a pod is one hop further away than its node, so that no pod can take the node's role.
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
      delete_on_termination = true
    }
  }

  # The provider's default tags do not reach what a launch template makes later.
  dynamic "tag_specifications" {
    for_each = toset(["instance", "network-interface", "volume"])

    content {
      resource_type = tag_specifications.value
      tags          = merge(data.aws_default_tags.current.tags, { Name = "${var.cluster.name}-${each.key}" })
    }
  }
}
