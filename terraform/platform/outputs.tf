# What glue reads: `terraform output -json`, kept in build/environments/<environment>.json.

output "account_id" {
  description = "The account of the environment."
  value       = data.aws_caller_identity.current.account_id
}

output "alarms" {
  description = "The alarms' topic, and the names of all alarms."
  value = {
    topic_arn = module.alarms.topic_arn
    names = sort(concat(
      module.alarms.alarm_names,
      module.api.alarm_names,
      flatten(module.batch[*].alarm_names),
      flatten(values(module.evalai_budget)[*].alarm_names),
      flatten(values(module.leaderboard)[*].alarm_names),
      flatten(module.dns[*].alarm_names),
      flatten(module.network[*].alarm_names),
      module.issue_token.alarm_names,
      module.preprocessing.alarm_names,
      module.recordings.alarm_names,
      module.serve_api.alarm_names,
    ))
  }
}

output "api" {
  description = "The HTTP API: id, stage, how a client calls it, and the usage plan that takes API keys."
  value = {
    id            = module.api.api.id
    stage         = module.api.api.stage
    url           = var.local == null ? module.api.api.url : "${var.local.endpoint}/_aws/execute-api/${module.api.api.id}/${module.api.api.stage}"
    usage_plan_id = module.api.usage_plan_id
  }
}

output "environment" {
  description = "Name of the environment."
  value       = var.environment
}

output "identity" {
  description = "The user pool and the client by which tokens are asked for."
  value = {
    user_pool_id = module.identity.user_pool.id
    client_id    = module.identity.client_id
  }
}

output "recordings" {
  description = "Buckets, queues, functions and the catalogue's secret (null unless it lies in PostgreSQL)."
  value = {
    raw_bucket                       = module.recordings.raw.name
    processed_bucket                 = module.preprocessing.processed.name
    ingest_queue_url                 = module.recordings.queue.queue.url
    ingest_dead_letter_queue_url     = module.recordings.queue.dead_letters.url
    preprocess_queue_url             = module.preprocessing.queue.queue.url
    preprocess_dead_letter_queue_url = module.preprocessing.queue.dead_letters.url
    catalogue_secret_arn             = module.catalogue.secret_arn

    functions = {
      for name, function in local.functions : name => { name = function.name, arn = function.arn, role_arn = function.role_arn }
    }
  }
}

output "region" {
  description = "The home region."
  value       = var.region
}
