# Raw recordings: the bucket in which nobody can change them, and the two functions that enter them
# into the catalogue. What is made from them is the module preprocessing's; the function that
# answers requests serves other systems too: it is given what it needs by the output `serving`.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  _account_id = data.aws_caller_identity.current.account_id
  _partition  = data.aws_partition.current.partition

  # Reconcile needs no queue for its failures: its next run makes good, and an alarm tells.
  _functions = {
    ingest_recording = {
      description  = "Checks what arrived against its manifest and enters it into the catalogue."
      work         = var.work.ingest
      source_queue = merge(var.work.ingest.queue, { arn = module.queue.queue.arn })
      schedule     = null
      environment  = { PREPROCESS_QUEUE_URL = var.preprocess_queue.url }
      statements   = merge(local._read_raw, local._list_raw, local._start_preprocessing)
    }
    reconcile_recordings = {
      description  = "Finds raw data that the catalogue does not know or that was never finished."
      work         = var.work.reconcile
      source_queue = null
      schedule     = { expression = var.work.reconcile.schedule }
      environment = {
        INGEST_QUEUE_URL       = module.queue.queue.url
        INCOMPLETE_AFTER_HOURS = tostring(var.work.reconcile.incomplete_after_hours)
      }
      statements = merge(local._list_raw, local._start_ingest)
    }
  }

  _environment = { ENVIRONMENT = var.environment, RAW_BUCKET = module.raw.bucket.name, CATALOGUE = var.catalogue.settings }
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
      for key, value in merge(local._environment, each.value.environment) : "PROVING_GROUND_${key}" => value
    }
  }

  source_queue      = each.value.source_queue
  schedule          = each.value.schedule
  policy_statements = merge(each.value.statements, local._use_key, var.catalogue.policy_statements)
  role_tags         = var.catalogue.role_tags
}
