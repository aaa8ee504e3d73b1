locals {
  # A group without nodes shows the autoscaler nothing; these tags of its Auto Scaling group say
  # what a node would be like. Labels and taints of the node group do not become tags by themselves.
  # https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
  #
  # The keys hold nothing but what stands in `groups`: the cluster's name comes from a resource, and
  # `terraform import`, by which a killed apply is recovered, cannot go through keys that it does
  # not know yet.
  _autoscaler = "k8s.io/cluster-autoscaler"
  _scaling_tags = merge([
    for key, group in local._groups : {
      for what, value in merge(
        { "enabled" = "true", "owned" = "owned" },
        { for label, value in group.labels : "node-template/label/${label}" => value },
        { for taint, of in group.taints : "node-template/taint/${taint}" => "${of.value}:${of.effect}" },
        group.gpus > 0 ? { "node-template/resources/nvidia.com/gpu" = tostring(group.gpus) } : {},
        ) : "${key} ${local._autoscaler}/${what}" => {
        group = key
        name  = "${local._autoscaler}/${what == "owned" ? var.cluster.name : what}"
        value = value
      }
    }
  ]...)

  _autoscaling_group_names = {
    for key, group in aws_eks_node_group.this : key => group.resources[0].autoscaling_groups[0].name
  }
}

resource "aws_autoscaling_group_tag" "this" {
  for_each = local._scaling_tags

  autoscaling_group_name = local._autoscaling_group_names[each.value.group]

  tag {
    key                 = each.value.name
    value               = each.value.value
    propagate_at_launch = false
  }
}
