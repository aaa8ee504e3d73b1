# Where machines live. What needs none (functions, queues, buckets) is not in it.
module "network" {
  source = "../../modules/network"
  count  = var.network == null ? 0 : 1

  name                    = "${var.prefix}network"
  address_range           = var.network.address_range
  zones                   = coalesce(var.network.zones, [for letter in ["a", "b", "c"] : "${var.region}${letter}"])
  nat                     = var.network.nat
  flow_logs               = var.network.flow_logs
  kubernetes_cluster_name = var.cluster == null ? null : local.cluster_name
  alarms                  = local.alarms

  writable_foreign_buckets = var.network.writable_foreign_buckets
}

locals {
  network = one(module.network)

  # Keys of a map are known before the subnets are.
  private_subnets = var.network == null ? null : {
    vpc_id     = local.network.vpc.id
    subnet_ids = toset(values(local.network.private_subnet_ids))
  }
}
