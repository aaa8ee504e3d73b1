output "alarm_names" {
  description = "Names of the alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}

output "compute_environments" {
  description = "The compute environments by name: their full name, which changes when they are replaced, and ARN."
  value       = { for key, compute in module.compute : key => compute.compute_environment }
}

output "job_definitions" {
  description = "The job definitions by name: full name, ARN of the revision, and ARN without a revision, which means the latest."
  value       = { for key, job in module.job : key => job.job_definition }
}

output "job_queues" {
  description = "The queues by name: full name and ARN."
  value       = { for key, item in aws_batch_job_queue.this : key => { name = item.name, arn = item.arn } }
}

output "job_roles" {
  description = "ARNs of the jobs' roles, by job definition."
  value       = { for key, job in module.job : key => job.job_role_arn }
}

output "log_group_name" {
  description = "The log of all jobs; a stream's name begins with the job definition's."
  value       = aws_cloudwatch_log_group.jobs.name
}
