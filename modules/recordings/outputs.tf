output "alarm_names" {
  description = "Names of the queues' and functions' alarms."
  value = sort(flatten([
    [for function in module.function : function.alarm_names],
    [for queue in module.queue : queue.alarm_names],
  ]))
}

output "buckets" {
  description = "Buckets, raw and processed: name and ARN."
  value = {
    raw       = module.raw.bucket
    processed = module.processed.bucket
  }
}

output "functions" {
  description = "Functions by name: name, ARN, ARN of the role."
  value = {
    for name, function in module.function : name => {
      name     = function.function.name
      arn      = function.function.arn
      role_arn = function.role.arn
    }
  }
}

output "metric_alarms" {
  description = "Alarms on what the functions count, as the module alarms takes them."
  value = {
    recordings-quarantined = {
      description = "A recording is broken and lies in quarantine. See why with `glue recordings quarantined`; mend it, then `glue recordings replay`."
      metric      = "RecordingsQuarantined"
      dimensions  = { environment = var.environment }
    }
    recordings-incomplete = {
      description = "A recording has been incomplete for more than ${var.work.reconcile.incomplete_after_hours} hours. Look on the rig that ships it."
      metric      = "RecordingsIncomplete"
      dimensions  = { environment = var.environment }
      statistic   = "Maximum"
      period      = 3600
    }
    ship-failures = {
      description = "A rig has given up shipping a recording. Its reason is in the log of serve-api."
      metric      = "ShipFailures"
      dimensions  = { environment = var.environment }
    }
  }
}

output "queues" {
  description = "Queues by function: name, ARN, URL of the queue and of its dead letters."
  value = {
    for name, queue in module.queue : name => {
      queue        = queue.queue
      dead_letters = queue.dead_letters
    }
  }
}

output "serving" {
  description = "What the function that answers requests needs: environment and policy statements."
  value = {
    environment = {
      RAW_BUCKET       = module.raw.bucket.name
      PROCESSED_BUCKET = module.processed.bucket.name
      INGEST_QUEUE_URL = module.queue["ingest_recording"].queue.url
      CATALOGUE        = var.catalogue.settings
    }
    policy_statements = merge(local._serve, var.catalogue.policy_statements)
    role_tags         = var.catalogue.role_tags
  }
}
