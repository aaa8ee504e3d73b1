output "alarm_names" {
  description = "Names of the queue's and the function's alarms."
  value       = sort(concat(module.queue.alarm_names, module.function.alarm_names))
}

output "functions" {
  description = "The one function by name, as the module function puts it out."
  value       = { preprocess_recording = module.function.function }
}

output "processed" {
  description = "The processed bucket: name and ARN."
  value       = module.processed.bucket
}

output "queue" {
  description = "The preprocess queue and its dead letters: name, ARN, URL."
  value       = { queue = module.queue.queue, dead_letters = module.queue.dead_letters }
}

output "serving" {
  description = "What the function that answers requests needs of processed data: environment and policy statements."
  value = {
    environment       = { PROCESSED_BUCKET = module.processed.bucket.name }
    policy_statements = local._read_processed
  }
}
