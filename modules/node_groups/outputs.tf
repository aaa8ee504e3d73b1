output "node_groups" {
  description = "The groups by key: their names at EKS and Auto Scaling, sizes, GPUs of a node, labels, taints, how they are paid for."
  value = {
    for key, group in local._groups : key => {
      name                   = aws_eks_node_group.this[key].node_group_name
      autoscaling_group_name = local._autoscaling_group_names[key]
      capacity               = group.capacity
      instance_types         = group.instance_types
      min                    = group.min
      max                    = group.max
      gpus                   = group.gpus
      labels                 = group.labels
      taints                 = group.taints
    }
  }
}

output "role_arn" {
  description = "The role of all nodes."
  value       = aws_iam_role.this.arn
}
