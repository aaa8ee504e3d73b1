# What the functions are told: the fields of their classes in glue.settings, which know the
# defaults of what is null here.
locals {
  _settings = {
    ENVIRONMENT           = var.environment
    LEADERBOARD           = var.name
    PARAMETERS_SECRET_ARN = aws_secretsmanager_secret.parameters.arn
    EVALAI_SECRET_ARN     = var.evalai.secret_arn
    BUDGET_TABLE          = var.evalai.budget_table.name
    STATE_MACHINE_ARN     = local._state_machine_arn
  }

  _run_settings = {
    EVALUATION = jsonencode({ for key, value in var.submission.evaluation : key => value if value != null })
    POD = jsonencode({
      for key, value in merge(
        { workers = var.submission.workers, node_labels = var.submission.node_labels, on_disruption = var.submission.on_disruption },
        {
          for name, container in var.submission.containers :
          name => { for key, amount in container : key => amount if amount != null }
        },
        var.submission.deadlines,
        var.submission.pace,
      ) : key => value if value != null
    })
  }

  _start_settings = {
    TRACKS_SECRET_ARN = var.evalai.tracks_secret_arn
    QUEUE_URLS        = jsonencode({ for name, queue in var.evalai.queues : name => queue.url })
  }

  _reconcile_settings = {
    QUEUE_URL             = module.queue.queue.url
    DEAD_LETTER_QUEUE_URL = module.queue.dead_letters.url
  }
}
