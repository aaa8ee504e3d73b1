module "alarms" {
  source = "../../modules/alarms"

  name            = "${var.prefix}alarms"
  prefix          = var.prefix
  email_addresses = var.alarms.email_addresses
  is_temporary    = local.is_temporary
  metrics         = module.recordings.metric_alarms
}
