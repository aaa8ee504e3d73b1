# What is made from raw recordings: a step that runs on each new one, and the bucket of its results.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _name = "${var.prefix}preprocess-recording"

  _step_settings = jsonencode({
    for key, value in var.processing_step : trimsuffix(key, "_arn") => value if value != null
  })
}

module "function" {
  source = "../function"

  name    = local._name
  package = var.package
  logs    = var.logs
  alarms  = var.alarms

  function = {
    handler     = "lambdas.preprocess_recording.handler.handler"
    description = "Runs the processing step on what is new."
    memory_size = var.work.memory_size
    timeout     = var.work.timeout
    environment = {
      PROVING_GROUND_ENVIRONMENT      = var.environment
      PROVING_GROUND_RAW_BUCKET       = var.raw.name
      PROVING_GROUND_PROCESSED_BUCKET = module.processed.bucket.name
      PROVING_GROUND_CATALOGUE        = var.catalogue.settings
      PROVING_GROUND_PROCESSING_STEP  = local._step_settings
    }
  }

  source_queue = merge(var.work.queue, { arn = module.queue.queue.arn })
  role_tags    = var.catalogue.role_tags

  policy_statements = merge(
    local._read_raw, local._write_processed, local._run_step, local._use_keys, var.catalogue.policy_statements,
  )
}

module "processed" {
  source = "../bucket"

  name         = "${var.prefix}recordings-processed-${data.aws_caller_identity.current.account_id}"
  is_temporary = true
  kms_key_arn  = var.storage.kms_key_arn
  access_log   = var.storage.access_log_bucket == null ? null : { bucket = var.storage.access_log_bucket, prefix = "processed/" }

  # It can be made again from raw data; a version written over is kept for those who pinned it.
  lifecycle_rules = {
    forget = { noncurrent_expire_days = var.storage.processed_noncurrent_days }
  }
}
