output "alarm_names" {
  description = "Names of the alarms: of submissions, queue, table, functions and state machine."
  value = sort(concat(
    flatten([for function in module.function : function.alarm_names]),
    module.monitoring.alarm_names, module.queue.alarm_names, module.state_machine.alarm_names, module.table.alarm_names,
  ))
}

output "functions" {
  description = "Functions by name (start_submission, run_submission, reconcile_submissions), as the module function puts them out."
  value       = { for name, function in module.function : name => function.function }
}

output "leaderboard" {
  description = "The leaderboard: queue, dead letters, table, bucket, log group and state machine, each with name and ARN, and its secret's ARN."
  value = {
    queue                 = module.queue.queue
    dead_letters          = module.queue.dead_letters
    table                 = module.table.table
    bucket                = module.bucket.bucket
    log_group             = { name = aws_cloudwatch_log_group.submissions.name, arn = aws_cloudwatch_log_group.submissions.arn }
    state_machine         = module.state_machine.state_machine
    parameters_secret_arn = aws_secretsmanager_secret.parameters.arn
  }
}
