locals {
  # By the folder of their handler, which is also the key of their settings in glue.
  _functions = {
    start_submission = {
      description  = "Starts an execution for each submission that EvalAI tells of."
      work         = var.work.start
      source_queue = merge(var.work.start.queue, { arn = module.queue.queue.arn })
      schedule     = null
      network      = null
      settings     = local._start_settings
      statements   = local._start
    }
    run_submission = {
      description  = "Does the steps of a submission, called by the state machine."
      work         = var.work.run
      source_queue = null
      schedule     = null
      network      = var.cluster.network
      settings     = local._run_settings
      statements   = local._run
    }
    reconcile_submissions = {
      description  = "Finds submissions that are stuck, and what would mend them."
      work         = var.work.reconcile
      source_queue = null
      schedule     = { expression = var.work.reconcile.schedule }
      network      = var.cluster.network
      settings     = merge(local._run_settings, local._reconcile_settings)
      statements   = local._reconcile
    }
  }
}

module "function" {
  source   = "../function"
  for_each = local._functions

  name    = "${local._name}-${split("_", each.key)[0]}"
  package = var.package
  logs    = var.logs
  alarms  = var.alarms
  network = each.value.network

  function = {
    handler     = "lambdas.${each.key}.handler.handler"
    description = each.value.description
    memory_size = each.value.work.memory_size
    timeout     = each.value.work.timeout
    environment = { for key, value in merge(local._settings, each.value.settings) : "PROVING_GROUND_${key}" => value }
  }

  source_queue      = each.value.source_queue
  schedule          = each.value.schedule
  policy_statements = each.value.statements
}
