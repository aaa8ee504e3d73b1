# Work in chunks: no machine runs, or costs, while no job does.
module "batch" {
  source = "../../modules/batch"
  count  = var.batch == null ? 0 : 1

  name            = "${var.prefix}jobs"
  network         = local.private_subnets
  compute         = var.batch.compute
  queues          = var.batch.queues
  job_definitions = var.batch.job_definitions
  logs            = { retention_days = var.logs.retention_days }
  alarms          = local.alarms
}
