output "alarm_names" {
  description = "Names of the queue's and the functions' alarms."
  value       = sort(concat(module.queue.alarm_names, flatten([for function in module.function : function.alarm_names])))
}

output "functions" {
  description = "Functions by name, as the module function puts them out."
  value       = { for name, function in module.function : name => function.function }
}

output "metric_alarms" {
  description = "Alarms on what the functions count, as the module alarms takes them."
  value = {
    for name, alarm in {
      recordings-quarantined = {
        description = "A recording is broken and lies in quarantine. See why with `glue recordings quarantined`; mend it, then `glue recordings replay`."
        metric      = "RecordingsQuarantined"
      }
      recordings-incomplete = {
        description = "A recording has been incomplete for more than ${var.work.reconcile.incomplete_after_hours} hours. Look on the rig that ships it."
        metric      = "RecordingsIncomplete"
        statistic   = "Maximum"
        period      = 3600
      }
      ship-failures = {
        description = "A rig has given up shipping a recording. Its reason is in the log of serve-api."
        metric      = "ShipFailures"
      }
    } : name => merge(alarm, { dimensions = { environment = var.environment } })
  }
}

output "queue" {
  description = "The ingest queue and its dead letters: name, ARN, URL."
  value       = { queue = module.queue.queue, dead_letters = module.queue.dead_letters }
}

output "raw" {
  description = "The raw bucket: name, ARN, key."
  value       = merge(module.raw.bucket, { kms_key_arn = var.storage.kms_key_arn })
}

output "serving" {
  description = "What the function that answers requests needs of raw data: environment and policy statements."
  value = {
    environment       = { RAW_BUCKET = module.raw.bucket.name, INGEST_QUEUE_URL = module.queue.queue.url }
    policy_statements = local._serve
  }
}
