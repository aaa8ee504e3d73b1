# Who may do what. What they may do in Kubernetes is the cluster's to say, by the ARN of the role.
locals {
  _other_queue_arns = [for name, queue in var.evalai.queues : queue.arn if name != var.name]

  # What every function needs: who EvalAI is, how often it may be called, and the submissions.
  _common = {
    read_secrets = {
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [aws_secretsmanager_secret.parameters.arn, var.evalai.secret_arn]
    }
    count_calls = { actions = ["dynamodb:GetItem", "dynamodb:PutItem"], resources = [var.evalai.budget_table.arn] }
    write_submissions = {
      actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
      resources = [module.table.table.arn]
    }
    find_submissions = { actions = ["dynamodb:Query"], resources = ["${module.table.table.arn}/index/*"] }
    start_executions = { actions = ["states:StartExecution"], resources = [local._state_machine_arn] }
  }

  _see_executions = { see_executions = { actions = ["states:DescribeExecution"], resources = [local._executions_arn] } }

  _list_executions = { list_executions = { actions = ["states:ListExecutions"], resources = [local._state_machine_arn] } }

  _read_tracks = {
    read_tracks = { actions = ["secretsmanager:GetSecretValue"], resources = [var.evalai.tracks_secret_arn] }
  }

  # EvalAI has one queue for a challenge, whose phases may be other leaderboards'.
  _pass_on = length(local._other_queue_arns) == 0 ? {} : {
    pass_on = { actions = ["sqs:SendMessage"], resources = local._other_queue_arns }
  }

  # The function signs the form by which a pod sends its files, and a form can do what the role
  # that signed it can do, and no more.
  _use_bucket = merge(
    {
      use_results = { actions = ["s3:GetObject", "s3:PutObject"], resources = ["${module.bucket.bucket.arn}/*"] }
      # Without it a missing object answers 403 and looks like a broken role.
      list_results = { actions = ["s3:ListBucket"], resources = [module.bucket.bucket.arn] }
    },
    {
      for arn in compact([var.storage.kms_key_arn]) :
      "use_key" => { actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [arn] }
    },
  )

  # A dead letter is sent again, so that its submission is not forgotten.
  _revive_dead_letters = {
    revive = { actions = ["sqs:GetQueueAttributes", "sqs:SendMessage"], resources = [module.queue.queue.arn] }
    take_dead_letters = {
      actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      resources = [module.queue.dead_letters.arn]
    }
  }

  _start     = merge(local._common, local._read_tracks, local._see_executions, local._pass_on)
  _run       = merge(local._common, local._use_bucket)
  _reconcile = merge(local._run, local._see_executions, local._list_executions, local._revive_dead_letters)
}
