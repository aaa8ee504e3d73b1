module "catalogue" {
  source = "../../modules/catalogue"

  prefix       = var.prefix
  is_temporary = local.is_temporary
  postgresql   = var.local == null ? var.recordings.postgresql : var.local.catalogue
  redshift     = var.local == null ? var.recordings.redshift : null
}

module "recordings" {
  source = "../../modules/recordings"

  environment     = var.environment
  prefix          = var.prefix
  is_temporary    = local.is_temporary
  package         = local.package
  processing_step = var.recordings.processing_step
  storage         = var.recordings.storage
  work            = var.recordings.work
  logs            = var.logs
  alarms          = local.alarms

  catalogue = {
    settings          = module.catalogue.settings
    policy_statements = module.catalogue.policy_statements
    role_tags         = module.catalogue.role_tags
  }
}
