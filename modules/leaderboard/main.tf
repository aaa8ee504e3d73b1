# A leaderboard: from EvalAI's message to a result that can be trusted. Here stands what one
# leaderboard has for itself. What all of them share (EvalAI's secrets, the budget of calls, the
# cluster, the registries) is the root's, and comes in by `evalai`, `cluster` and `submission`.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _account_id = data.aws_caller_identity.current.account_id
  _partition  = data.aws_partition.current.partition
  _name       = "${var.prefix}${var.name}"

  # Written out: the functions name the state machine, which names a function.
  _states_arn        = "arn:${local._partition}:states:${data.aws_region.current.name}:${local._account_id}"
  _state_machine_arn = "${local._states_arn}:stateMachine:${local._name}"
  _executions_arn    = "${local._states_arn}:execution:${local._name}:*"

  _definition = templatefile("${path.module}/submission.asl.json", {
    function_arn = module.function["run_submission"].function.arn
    partition    = local._partition
  })
}

module "queue" {
  source = "../queue"

  name     = local._name
  delivery = { consumer_timeout = var.work.start.timeout, max_receives = var.work.max_receives }
  alarms   = var.alarms
}

module "state_machine" {
  source = "../state_machine"

  name          = local._name
  function_arns = { run_submission = module.function["run_submission"].function.arn }
  logs          = { retention_days = var.logs.retention_days, kms_key_arn = var.logs.kms_key_arn }
  alarms        = var.alarms
  definition    = local._definition
}

# What the containers of submissions write; the cluster's Fluent Bit sends it.
resource "aws_cloudwatch_log_group" "submissions" {
  name              = local._name
  retention_in_days = coalesce(var.logs.retention_days, 30)
  kms_key_id        = var.logs.kms_key_arn
}

module "monitoring" {
  source = "../leaderboard_monitoring"

  environment       = var.environment
  leaderboard       = var.name
  name              = local._name
  queues            = { queue = module.queue.queue.name, dead_letters = module.queue.dead_letters.name }
  functions         = { for name, function in module.function : name => function.function }
  state_machine_arn = local._state_machine_arn
  alarms            = var.alarms
}
