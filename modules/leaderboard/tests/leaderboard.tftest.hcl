# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = { id = "local-leaderboard-10-000000000000", arn = "arn:aws:s3:::local-leaderboard-10-000000000000" }
  }

  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/local-leaderboard-10" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/a-role" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:000000000000:function:a-function" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:a-log" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-central-1:000000000000:rule/a-rule" }
  }

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-leaderboard-10-abcdef" }
  }

  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:eu-central-1:000000000000:stateMachine:local-leaderboard-10" }
  }
}

override_resource {
  override_during = plan
  target          = module.queue.aws_sqs_queue.this
  values          = { arn = "arn:aws:sqs:eu-central-1:000000000000:local-leaderboard-10", url = "https://sqs.eu-central-1.amazonaws.com/000000000000/local-leaderboard-10" }
}

override_resource {
  override_during = plan
  target          = module.queue.aws_sqs_queue.dead_letters
  values          = { arn = "arn:aws:sqs:eu-central-1:000000000000:local-leaderboard-10-dead-letters", url = "https://sqs.eu-central-1.amazonaws.com/000000000000/local-leaderboard-10-dead-letters" }
}

variables {
  environment = "local"
  prefix      = "local-"
  name        = "leaderboard-10"

  package = {
    path         = "code.zip"
    hash         = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    layers       = []
    runtime      = "python3.12"
    architecture = "arm64"
  }

  cluster = { name = "local", endpoint = "https://kubernetes.example.org", certificate_authority = "Y2VydGlmaWNhdGU=" }

  evalai = {
    secret_arn        = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-evalai-abcdef"
    tracks_secret_arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-evalai-tracks-abcdef"
    budget_table      = { name = "local-evalai-budget", arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/local-evalai-budget" }

    queues = {
      leaderboard-10 = { url = "https://sqs.eu-central-1.amazonaws.com/000000000000/local-leaderboard-10", arn = "arn:aws:sqs:eu-central-1:000000000000:local-leaderboard-10" }
      leaderboard-20 = { url = "https://sqs.eu-central-1.amazonaws.com/000000000000/local-leaderboard-20", arn = "arn:aws:sqs:eu-central-1:000000000000:local-leaderboard-20" }
    }
  }

  submission = {
    evaluation = { version = "1.0", routes = 36 }
    images = {
      simulator   = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-simulator:stable"
      leaderboard = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-leaderboard:stable"
      logcopy     = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-logcopy:stable"
    }
  }
}

run "everything_has_the_leaderboard_s_name" {
  command = plan

  assert {
    condition = [module.queue.queue.name, module.table.table.name, aws_cloudwatch_log_group.submissions.name, module.state_machine.state_machine.name, aws_secretsmanager_secret.parameters.name] == [
      for _ in range(5) : "local-leaderboard-10"
    ]
    error_message = "queue, table, log group, state machine and secret have one name"
  }

  assert {
    condition     = { for key, function in output.functions : key => function.name } == { start_submission = "local-leaderboard-10-start", run_submission = "local-leaderboard-10-run", reconcile_submissions = "local-leaderboard-10-reconcile" }
    error_message = "functions are called by what they do"
  }

  assert {
    condition     = module.queue.dead_letters.name == "local-leaderboard-10-dead-letters" && output.leaderboard.bucket.name == "local-leaderboard-10-000000000000"
    error_message = "dead letters, and the bucket by account"
  }

  assert {
    condition = jsondecode(aws_secretsmanager_secret_version.parameters.secret_string) == {
      name                       = "local"
      endpoint                   = "https://kubernetes.example.org"
      certificate_authority      = "Y2VydGlmaWNhdGU="
      simulator_image            = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-simulator:stable"
      leaderboard_image          = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-leaderboard:stable"
      logcopy_image              = "000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-logcopy:stable"
      s3_bucket                  = "local-leaderboard-10-000000000000"
      dynamodb_submissions_table = "local-leaderboard-10"
      cloudwatch_log_group       = "local-leaderboard-10"
    }
    error_message = "the nine parameters"
  }

  assert {
    condition     = aws_secretsmanager_secret.parameters.recovery_window_in_days == 30
    error_message = "a deleted secret can be had back"
  }
}

run "settings_leave_out_what_is_not_said" {
  command = plan

  assert {
    condition = local._settings == {
      ENVIRONMENT           = "local"
      LEADERBOARD           = "leaderboard-10"
      PARAMETERS_SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-leaderboard-10-abcdef"
      EVALAI_SECRET_ARN     = var.evalai.secret_arn
      BUDGET_TABLE          = "local-evalai-budget"
      STATE_MACHINE_ARN     = "arn:aws:states:eu-central-1:000000000000:stateMachine:local-leaderboard-10"
    }
    error_message = "what every function is told"
  }

  assert {
    condition = jsondecode(local._functions.start_submission.settings.QUEUE_URLS) == {
      leaderboard-10 = "https://sqs.eu-central-1.amazonaws.com/000000000000/local-leaderboard-10"
      leaderboard-20 = "https://sqs.eu-central-1.amazonaws.com/000000000000/local-leaderboard-20"
    }
    error_message = "start knows every leaderboard's queue"
  }

  assert {
    condition     = local._functions.run_submission.settings == { EVALUATION = "{\"routes\":36,\"version\":\"1.0\"}", POD = "{\"agent\":{\"gpus\":1},\"evaluator\":{\"gpus\":0},\"simulator\":{\"gpus\":1}}" }
    error_message = "the rest is glue's to know; a container's GPUs are not, since their default is none"
  }

  assert {
    condition = local._functions.reconcile_submissions.settings == merge(local._functions.run_submission.settings, {
      QUEUE_URL             = "https://sqs.eu-central-1.amazonaws.com/000000000000/local-leaderboard-10"
      DEAD_LETTER_QUEUE_URL = "https://sqs.eu-central-1.amazonaws.com/000000000000/local-leaderboard-10-dead-letters"
    })
    error_message = "reconcile is told of the queues besides"
  }
}

run "settings_of_a_challenge_of_one_s_own" {
  command = plan

  variables {
    submission = {
      evaluation    = { format = "generic", routes = 200, repetitions = 2, split = "test", labels = ["Accuracy"], show_to_participant = false }
      images        = { simulator = "simulator:1", leaderboard = "leaderboard@sha256:00", logcopy = "registry.example.org:5000/logcopy:2" }
      workers       = 2
      containers    = { simulator = { cpu_millis = 4000 }, agent = { gpus = 0, disk_gib = 20 } }
      node_labels   = { "proving-ground/pool" = "gpu" }
      on_disruption = "fail"
      deadlines     = { waiting_seconds = 600, run_seconds = 3600, grace_seconds = 60 }
      pace          = { watch_seconds = 5, interim_seconds = 60, upload_seconds = 10 }
    }
  }

  assert {
    condition     = jsondecode(local._run_settings.EVALUATION) == { format = "generic", routes = 200, repetitions = 2, split = "test", labels = ["Accuracy"], show_to_participant = false }
    error_message = "the evaluation"
  }

  assert {
    condition = jsondecode(local._run_settings.POD) == {
      workers         = 2
      simulator       = { cpu_millis = 4000, gpus = 1 }
      evaluator       = { gpus = 0 }
      agent           = { disk_gib = 20, gpus = 0 }
      node_labels     = { "proving-ground/pool" = "gpu" }
      on_disruption   = "fail"
      waiting_seconds = 600
      run_seconds     = 3600
      grace_seconds   = 60
      watch_seconds   = 5
      interim_seconds = 60
      upload_seconds  = 10
    }
    error_message = "the pod"
  }
}

run "each_function_may_do_its_own" {
  command = plan

  assert {
    condition     = toset(keys(local._functions.start_submission.statements)) == toset(["count_calls", "find_submissions", "pass_on", "read_secrets", "read_tracks", "see_executions", "start_executions", "write_submissions"])
    error_message = "start: no results"
  }

  assert {
    condition     = toset(keys(local._functions.run_submission.statements)) == toset(["count_calls", "find_submissions", "list_results", "read_secrets", "start_executions", "use_results", "write_submissions"])
    error_message = "run: no queues, and no tracks"
  }

  assert {
    condition     = setsubtract(keys(local._functions.reconcile_submissions.statements), keys(local._functions.run_submission.statements)) == toset(["list_executions", "revive", "see_executions", "take_dead_letters"])
    error_message = "reconcile: queues and executions besides"
  }

  assert {
    condition     = alltrue([for statement in merge(local._start, local._run, local._reconcile) : !contains(statement.resources, "*") && alltrue([for action in statement.actions : !startswith(action, "s3:Delete")])])
    error_message = "nothing is granted on everything, and nobody deletes results"
  }

  assert {
    condition     = local._start.pass_on.resources == ["arn:aws:sqs:eu-central-1:000000000000:local-leaderboard-20"]
    error_message = "messages go to other leaderboards, not back to the own queue"
  }

  assert {
    condition     = local._see_executions.see_executions.resources == ["arn:aws:states:eu-central-1:000000000000:execution:local-leaderboard-10:*"]
    error_message = "executions of its own state machine"
  }

  assert {
    condition     = length(setintersection(["start_submission"], [for name, function in local._functions : name if function.network != null])) == 0
    error_message = "start speaks to AWS and EvalAI alone"
  }
}

run "definition_is_rendered" {
  command = plan

  assert {
    condition     = module.state_machine.state_machine.arn == local._state_machine_arn
    error_message = "the name written out is the state machine's"
  }

  assert {
    condition = alltrue([
      for name, state in jsondecode(local._definition).States :
      state.Resource == "arn:aws:states:::lambda:invoke" && state.Parameters.FunctionName == module.function["run_submission"].function.arn if state.Type == "Task"
    ])
    error_message = "every step calls the one function"
  }
}

run "alarms" {
  command = plan

  variables {
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms" }
  }

  assert {
    condition = toset([for name in output.alarm_names : name if !strcontains(name, "throttle")]) == toset([
      for kind in [
        "aborted", "dead-letters", "failed", "failed-submissions", "oldest-message",
        "reconcile-errors", "run-errors", "start-errors", "stuck", "timed-out",
      ] : "local-leaderboard-10-${kind}"
    ])
    error_message = "every part has its alarms"
  }
}

run "no_alarms_unless_asked_for" {
  command = plan

  assert {
    condition     = length(output.alarm_names) == 0
    error_message = "none"
  }
}

run "optional_parts" {
  command = plan

  variables {
    is_temporary = true
    cluster      = { name = "local", endpoint = "http://127.0.0.1:4512", certificate_authority = "", network = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] } }
    storage      = { kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/one", access_log_bucket = "logs" }
    logs         = { level = "DEBUG", retention_days = 7 }
    evalai = {
      secret_arn        = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-evalai-abcdef"
      tracks_secret_arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-evalai-tracks-abcdef"
      budget_table      = { name = "local-evalai-budget", arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/local-evalai-budget" }
      queues            = { leaderboard-10 = { url = "https://sqs.eu-central-1.amazonaws.com/000000000000/local-leaderboard-10", arn = "arn:aws:sqs:eu-central-1:000000000000:local-leaderboard-10" } }
    }
  }

  assert {
    condition     = aws_secretsmanager_secret.parameters.recovery_window_in_days == 0
    error_message = "the secret's name is free at once"
  }

  assert {
    condition     = local._functions.run_submission.network == var.cluster.network && local._functions.reconcile_submissions.network == var.cluster.network && local._functions.start_submission.network == null
    error_message = "those that speak to the cluster stand in its network"
  }

  assert {
    condition     = local._run.use_key.resources == ["arn:aws:kms:eu-central-1:000000000000:key/one"]
    error_message = "the bucket's key may be used"
  }

  assert {
    condition     = !contains(keys(local._start), "pass_on")
    error_message = "a leaderboard alone passes nothing on"
  }

  assert {
    condition     = aws_cloudwatch_log_group.submissions.retention_in_days == 7
    error_message = "logs as long as asked for"
  }
}
