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

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:/aws/vendedlogs/states/local-example" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/local-example-states" }
  }

  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:eu-central-1:000000000000:stateMachine:local-example" }
  }
}

variables {
  name          = "local-example"
  definition    = "{\"StartAt\": \"Done\", \"States\": {\"Done\": {\"Type\": \"Succeed\"}}}"
  function_arns = { step = "arn:aws:lambda:eu-central-1:000000000000:function:local-step" }
}

run "may_call_its_function_and_no_more" {
  command = plan

  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid] == ["CallFunctions", "DeliverLog", "SendTraces"]
    error_message = "three statements by default"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[0] == { Sid = "CallFunctions", Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = ["arn:aws:lambda:eu-central-1:000000000000:function:local-step"] }
    error_message = "that function, and no other"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition == { ArnLike = { "aws:SourceArn" = "arn:aws:states:eu-central-1:000000000000:stateMachine:local-example" }, StringEquals = { "aws:SourceAccount" = "000000000000" } }
    error_message = "the role works for this state machine alone"
  }
}

run "is_logged_and_traced" {
  command = plan

  assert {
    condition     = aws_sfn_state_machine.this.type == "STANDARD" && one(aws_sfn_state_machine.this.tracing_configuration).enabled
    error_message = "a standard state machine, traced"
  }

  assert {
    condition     = one(aws_sfn_state_machine.this.logging_configuration).level == "ERROR" && one(aws_sfn_state_machine.this.logging_configuration).log_destination == "arn:aws:logs:eu-central-1:000000000000:log-group:/aws/vendedlogs/states/local-example:*"
    error_message = "errors go to its log"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/vendedlogs/states/local-example" && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "the log ends some day"
  }

  assert {
    condition     = aws_sfn_state_machine.this.definition == var.definition
    error_message = "the definition is passed on as it is"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 0
    error_message = "no alarms unless asked for"
  }

  assert {
    condition     = output.state_machine.arn == "arn:aws:states:eu-central-1:000000000000:stateMachine:local-example" && output.log_group.name == "/aws/vendedlogs/states/local-example"
    error_message = "both are put out"
  }
}

run "alarms_and_recursion" {
  command = plan

  variables {
    alarms       = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", max_failures = 2 }
    logs         = { level = "ALL", retention_days = 365, kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/one" }
    is_recursive = true
  }

  assert {
    condition     = output.alarm_names == tolist(["local-example-aborted", "local-example-failed", "local-example-timed-out"])
    error_message = "an alarm for each way to end badly"
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      alarm.threshold == 2 && alarm.dimensions == tomap({ StateMachineArn = "arn:aws:states:eu-central-1:000000000000:stateMachine:local-example" })
    ])
    error_message = "of this state machine"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[3] == { Sid = "StartItself", Effect = "Allow", Action = ["states:StartExecution"], Resource = ["arn:aws:states:eu-central-1:000000000000:stateMachine:local-example"] }
    error_message = "it may start itself, and nothing else"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 365 && aws_cloudwatch_log_group.this.kms_key_id == "arn:aws:kms:eu-central-1:000000000000:key/one" && one(aws_sfn_state_machine.this.logging_configuration).level == "ALL"
    error_message = "the log as it was asked for"
  }
}

run "refuses_negative_failures" {
  command = plan
  variables {
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", max_failures = -1 }
  }
  expect_failures = [var.alarms]
}

run "refuses_definition_that_is_no_json" {
  command = plan
  variables {
    definition = "StartAt: Done"
  }
  expect_failures = [var.definition]
}

run "refuses_definition_that_starts_nowhere" {
  command = plan
  variables {
    definition = "{\"StartAt\": \"Elsewhere\", \"States\": {\"Done\": {\"Type\": \"Succeed\"}}}"
  }
  expect_failures = [var.definition]
}

run "refuses_no_function" {
  command = plan
  variables {
    function_arns = {}
  }
  expect_failures = [var.function_arns]
}

run "refuses_function_by_name" {
  command = plan
  variables {
    function_arns = { step = "local-step" }
  }
  expect_failures = [var.function_arns]
}

run "refuses_bad_logs" {
  command = plan
  variables {
    logs = { level = "LOUD", retention_days = 31 }
  }
  expect_failures = [var.logs]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "an example"
  }
  expect_failures = [var.name]
}
