# Images: ours at home, beside the machines that pull them; those of participants in us-east-1,
# the one region that EvalAI pushes to.
module "registry" {
  source = "../../modules/registry"

  prefix       = var.prefix
  repositories = var.registry.home
  is_temporary = local.is_temporary
}

module "registry_us_east_1" {
  source    = "../../modules/registry"
  providers = { aws = aws.us_east_1 }

  prefix       = var.prefix
  repositories = var.registry.us_east_1
  is_temporary = local.is_temporary
}
