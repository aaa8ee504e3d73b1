locals {
  # Daemons of each node, which stand ready before there is one; the others need nodes to run on.
  _before_nodes = ["eks-pod-identity-agent", "kube-proxy", "vpc-cni"]

  # Without this, network policies are stored and nobody keeps to them.
  _addon_configurations = { vpc-cni = { enableNetworkPolicy = "true" } }
}

resource "aws_eks_addon" "before_nodes" {
  for_each = { for name, version in var.addons : name => version if contains(local._before_nodes, name) }

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  addon_version               = each.value
  configuration_values        = try(jsonencode(local._addon_configurations[each.key]), null)
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}

resource "aws_eks_addon" "on_nodes" {
  for_each = { for name, version in var.addons : name => version if !contains(local._before_nodes, name) }

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  addon_version               = each.value
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"

  depends_on = [module.nodes]
}
