# The recordings' system: raw data that nobody can change, what is made from it, and the three
# functions that work between them. The fourth, which answers requests, serves other systems too:
# it stands outside and is given what it needs by the output `serving`.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _account_id = data.aws_caller_identity.current.account_id
  _partition  = data.aws_partition.current.partition
  _region     = data.aws_region.current.name

  _step_settings = jsonencode({
    for key, value in var.processing_step : trimsuffix(key, "_arn") => value if value != null
  })

  # Reconcile needs no queue for its failures: its next run makes good, and an alarm tells.
  _functions = {
    ingest_recording = {
      description  = "Checks what arrived against its manifest and enters it into the catalogue."
      work         = var.work.ingest
      source_queue = merge(var.work.ingest.queue, { arn = module.queue["ingest_recording"].queue.arn })
      schedule     = null
      environment = {
        RAW_BUCKET           = module.raw.bucket.name
        PREPROCESS_QUEUE_URL = module.queue["preprocess_recording"].queue.url
        CATALOGUE            = var.catalogue.settings
      }
      statements = merge(local._read_raw, local._list_raw, local._start_preprocessing)
    }
    preprocess_recording = {
      description  = "Runs the processing step on what is new."
      work         = var.work.preprocess
      source_queue = merge(var.work.preprocess.queue, { arn = module.queue["preprocess_recording"].queue.arn })
      schedule     = null
      environment = {
        RAW_BUCKET       = module.raw.bucket.name
        PROCESSED_BUCKET = module.processed.bucket.name
        CATALOGUE        = var.catalogue.settings
        PROCESSING_STEP  = local._step_settings
      }
      statements = merge(local._read_raw, local._write_processed, local._run_step)
    }
    reconcile_recordings = {
      description  = "Finds raw data that the catalogue does not know or that was never finished."
      work         = var.work.reconcile
      source_queue = null
      schedule     = { expression = var.work.reconcile.schedule }
      environment = {
        RAW_BUCKET             = module.raw.bucket.name
        INGEST_QUEUE_URL       = module.queue["ingest_recording"].queue.url
        CATALOGUE              = var.catalogue.settings
        INCOMPLETE_AFTER_HOURS = tostring(var.work.reconcile.incomplete_after_hours)
      }
      statements = merge(local._list_raw, local._start_ingest)
    }
  }
}

module "function" {
  source   = "../function"
  for_each = local._functions

  name    = "${var.prefix}${replace(each.key, "_", "-")}"
  package = var.package
  logs    = var.logs
  alarms  = var.alarms

  function = {
    handler     = "lambdas.${each.key}.handler.handler"
    description = each.value.description
    memory_size = each.value.work.memory_size
    timeout     = each.value.work.timeout
    environment = {
      for key, value in merge(each.value.environment, { ENVIRONMENT = var.environment }) :
      "PROVING_GROUND_${key}" => value
    }
  }

  source_queue      = each.value.source_queue
  schedule          = each.value.schedule
  policy_statements = merge(each.value.statements, local._use_key, var.catalogue.policy_statements)
  role_tags         = var.catalogue.role_tags
}
