# Kubernetes for what strangers send: GPU nodes that are not there until a pod asks for one.
# What lives inside the cluster is not Terraform's: see kubernetes/.
locals {
  cluster_name = "${var.prefix}platform"
}

module "cluster" {
  source = "../../modules/cluster"
  count  = var.cluster == null ? 0 : 1

  name            = local.cluster_name
  is_temporary    = local.is_temporary
  network         = local.private_subnets
  kubernetes      = var.cluster.kubernetes
  system_nodes    = var.cluster.system_nodes
  gpu_node_groups = var.cluster.gpu_node_groups
  access          = merge(var.cluster.access, local.leaderboard_access)
  addons          = var.cluster.addons

  logs = {
    retention_days     = var.logs.retention_days
    further_group_arns = local.leaderboard_log_groups
  }
}
