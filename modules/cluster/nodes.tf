module "nodes" {
  source = "../node_groups"

  # The name comes from the add-ons: a node without network is never ready. Said by `depends_on`,
  # every change of an add-on would leave the nodes' own data unknown until the apply.
  cluster = {
    name    = one(distinct([for addon in aws_eks_addon.before_nodes : addon.cluster_name]))
    version = aws_eks_cluster.this.version
  }
  subnet_ids = var.network.subnet_ids

  groups = merge(
    var.gpu_node_groups,
    { system = merge(var.system_nodes, { labels = { purpose = "system" } }) },
  )
}
