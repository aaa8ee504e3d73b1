# The ground, as glue reads it. A part that the environment does not have is null.

output "batch" {
  description = "Batch: queues, job definitions, compute environments and their log."
  value = one([
    for batch in module.batch : {
      job_queues           = batch.job_queues
      job_definitions      = batch.job_definitions
      job_roles            = batch.job_roles
      compute_environments = batch.compute_environments
      log_group_name       = batch.log_group_name
    }
  ])
}

output "cluster" {
  description = "The Kubernetes cluster: how to reach it, its node groups, its log groups and the roles of its workloads."
  value = one([
    for cluster in module.cluster : merge(cluster.cluster, {
      node_groups        = cluster.node_groups
      log_group_names    = cluster.log_group_names
      workload_role_arns = cluster.workload_role_arns
    })
  ])
}

output "dns" {
  description = "The domain: its zones, its certificate, and the record that the parent domain needs."
  value = one([
    for dns in module.dns : {
      domain          = var.dns.domain
      public_zone     = dns.public_zone
      private_zone    = dns.private_zone
      certificate_arn = dns.certificate_arn
      delegation      = dns.delegation
    }
  ])
}

output "functions" {
  description = "Every function: its name, and the settings class of glue.settings that reads its environment. Those of a leaderboard stand behind its name and a slash."
  value = merge(
    { for key, function in local.functions : key => { name = function.name, settings = key } },
    local.leaderboard_functions,
  )
}

output "network" {
  description = "The network: its ids and subnets by zone, and the addresses it is seen under from outside."
  value = one([
    for network in module.network : {
      vpc_id              = network.vpc.id
      address_range       = network.vpc.address_range
      private_subnet_ids  = network.private_subnet_ids
      public_subnet_ids   = network.public_subnet_ids
      nat_addresses       = network.nat_addresses
      flow_log_group_name = network.flow_log_group_name
    }
  ])
}

output "registry" {
  description = "Repositories of images, at home and in us-east-1."
  value = {
    home      = module.registry.repositories
    us_east_1 = module.registry_us_east_1.repositories
  }
}
