# Challenges, as glue reads them.

output "evalai" {
  description = "What all leaderboards share: secrets, budget, the user whose key EvalAI holds, contents; null without a leaderboard."
  value = one([
    for key, user in aws_iam_user.evalai : {
      secret_arn        = aws_secretsmanager_secret.evalai["access"].arn
      tracks_secret_arn = aws_secretsmanager_secret.evalai["tracks"].arn
      budget_table      = module.evalai_budget[key].table.name
      user_name         = user.name
      public_contents   = { bucket = module.contents[key].public.name, url = module.contents[key].public.url, distribution_id = module.contents[key].public.distribution_id }
      private_contents  = { bucket = module.contents[key].private.name }
    }
  ])
}

output "leaderboards" {
  description = "Leaderboards by name: queues, table, bucket, log group, state machine, secret of parameters, names of functions."
  value = {
    for name, leaderboard in module.leaderboard : name => {
      queue_url             = leaderboard.leaderboard.queue.url
      dead_letter_queue_url = leaderboard.leaderboard.dead_letters.url
      table                 = leaderboard.leaderboard.table.name
      bucket                = leaderboard.leaderboard.bucket.name
      log_group             = leaderboard.leaderboard.log_group.name
      state_machine_arn     = leaderboard.leaderboard.state_machine.arn
      parameters_secret_arn = leaderboard.leaderboard.parameters_secret_arn
      dashboard             = "${var.prefix}${name}"
      evalai_user           = aws_iam_user.evalai["this"].name

      functions = { for key, function in leaderboard.functions : key => function.name }
    }
  }
}
