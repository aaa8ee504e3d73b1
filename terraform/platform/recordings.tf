module "catalogue" {
  source = "../../modules/catalogue"

  prefix       = var.prefix
  is_temporary = local.is_temporary
  postgresql   = var.local == null ? var.recordings.postgresql : var.local.catalogue

  redshift = var.local != null || var.recordings.redshift == null ? null : merge(var.recordings.redshift, {
    subnet_ids         = coalesce(var.recordings.redshift.subnet_ids, try(local.private_subnets.subnet_ids, null))
    security_group_ids = coalesce(var.recordings.redshift.security_group_ids, toset(aws_security_group.catalogue[*].id))
  })
}

# Nobody comes in: functions ask by the Data API, which needs no way into the network.
resource "aws_security_group" "catalogue" {
  count = local.private_subnets == null || var.recordings.redshift == null ? 0 : 1

  name        = "${var.prefix}catalogue"
  description = "Redshift of the catalogue, no way in and none out."
  vpc_id      = local.private_subnets.vpc_id
}

# What every function that works with recordings is given.
locals {
  catalogue = {
    settings          = module.catalogue.settings
    policy_statements = module.catalogue.policy_statements
    role_tags         = module.catalogue.role_tags
  }
}

module "recordings" {
  source = "../../modules/recordings"

  environment      = var.environment
  prefix           = var.prefix
  is_temporary     = local.is_temporary
  package          = local.package
  preprocess_queue = module.preprocessing.queue.queue
  storage          = var.recordings.storage
  work             = var.recordings.work
  catalogue        = local.catalogue
  logs             = var.logs
  alarms           = local.alarms
}

module "preprocessing" {
  source = "../../modules/preprocessing"

  environment     = var.environment
  prefix          = var.prefix
  package         = local.package
  raw             = module.recordings.raw
  processing_step = var.recordings.processing_step
  storage         = var.recordings.storage
  catalogue       = local.catalogue
  logs            = var.logs
  alarms          = local.alarms

  work = merge(var.recordings.work.preprocess, {
    max_receives           = var.recordings.work.max_receives
    oldest_message_seconds = var.recordings.work.oldest_message_seconds
  })
}
