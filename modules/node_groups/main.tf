data "aws_default_tags" "current" {}

data "aws_partition" "current" {}

locals {
  _gpu_labels = {
    purpose = "gpu"
    # The autoscaler knows by this label that a node without GPUs is one whose driver still
    # starts, and does not order another meanwhile.
    "k8s.amazonaws.com/accelerator" = "nvidia"
  }
  # Only pods that tolerate this are put on nodes that cost dollars an hour.
  _gpu_taints = { "nvidia.com/gpu" = { value = "present", effect = "NoSchedule" } }

  # All that a group's nodes carry, in one place: what Kubernetes is told by the node group and
  # what the autoscaler is told by the tags cannot differ.
  _groups = {
    for key, group in var.groups : key => merge(group, {
      labels     = merge(group.labels, group.gpus > 0 ? local._gpu_labels : {})
      taints     = merge(group.taints, group.gpus > 0 ? local._gpu_taints : {})
      ami_type   = group.gpus > 0 ? "AL2023_x86_64_NVIDIA" : "AL2023_x86_64_STANDARD"
      subnet_ids = coalesce(group.subnet_ids, var.subnet_ids)
    })
  }

  _capacity_types = { on-demand = "ON_DEMAND", spot = "SPOT" }
  _effects        = { NoExecute = "NO_EXECUTE", NoSchedule = "NO_SCHEDULE", PreferNoSchedule = "PREFER_NO_SCHEDULE" }

  # What EKS cannot change in a group goes into its name, so that the new group stands before
  # the old one is drained: two groups cannot have the same name.
  _names = {
    for key, group in local._groups : key => join("-", [
      key, substr(sha1(jsonencode([group.ami_type, group.capacity, group.instance_types, sort(group.subnet_ids)])), 0, 6),
    ])
  }
}

resource "aws_eks_node_group" "this" {
  for_each = local._groups

  cluster_name    = var.cluster.name
  node_group_name = local._names[each.key]
  node_role_arn   = aws_iam_role.this.arn
  subnet_ids      = each.value.subnet_ids
  version         = var.cluster.version
  ami_type        = each.value.ami_type
  capacity_type   = local._capacity_types[each.value.capacity]
  instance_types  = each.value.instance_types
  labels          = each.value.labels

  scaling_config {
    min_size     = each.value.min
    max_size     = each.value.max
    desired_size = each.value.min
  }

  launch_template {
    id      = aws_launch_template.this[each.key].id
    version = aws_launch_template.this[each.key].latest_version
  }

  update_config {
    max_unavailable = 1
  }

  dynamic "taint" {
    for_each = each.value.taints

    content {
      key    = taint.key
      value  = taint.value.value
      effect = local._effects[taint.value.effect]
    }
  }

  lifecycle {
    create_before_destroy = true
    # How many nodes there are is the autoscaler's to say.
    ignore_changes = [scaling_config[0].desired_size]

    # EKS refuses such a change only after some twenty minutes of trying.
    postcondition {
      condition     = self.scaling_config[0].desired_size >= self.scaling_config[0].min_size
      error_message = "groups: ${each.key} has ${self.scaling_config[0].desired_size} nodes, fewer than the min of ${self.scaling_config[0].min_size}; first say `aws eks update-nodegroup-config --cluster-name ${var.cluster.name} --nodegroup-name ${local._names[each.key]} --scaling-config desiredSize=${self.scaling_config[0].min_size}`, then plan again."
    }
  }

  # Nodes cannot join without their policies, nor leave once these are gone.
  depends_on = [aws_iam_role_policy_attachment.this]
}
