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
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:/aws/lambda/local-example" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/local-example" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:000000000000:function:local-example" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-central-1:000000000000:rule/local-example-schedule" }
  }
}

variables {
  name     = "local-example"
  function = { handler = "lambdas.example.handler.handler" }
  package  = { path = "code.zip", hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
}

run "may_write_its_log_and_no_more" {
  command = plan

  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid] == ["SendTraces", "WriteOwnLog"]
    error_message = "two statements by default"
  }

  assert {
    condition     = { for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid => s.Resource }.WriteOwnLog == ["arn:aws:logs:eu-central-1:000000000000:log-group:/aws/lambda/local-example:*"]
    error_message = "its own log group only"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/local-example" && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "the log ends some day"
  }

  assert {
    condition     = one(aws_lambda_function.this.tracing_config).mode == "Active"
    error_message = "traced"
  }

  assert {
    condition     = one(aws_lambda_function.this.environment).variables == tomap({ POWERTOOLS_LOG_LEVEL = "INFO", POWERTOOLS_METRICS_NAMESPACE = "ProvingGround", POWERTOOLS_SERVICE_NAME = "local-example" })
    error_message = "Powertools is told who it is"
  }

  assert {
    condition     = aws_lambda_function.this.runtime == "python3.12" && aws_lambda_function.this.architectures == tolist(["arm64"])
    error_message = "arm64 and Python 3.12 by default"
  }

  assert {
    condition     = length(aws_lambda_event_source_mapping.this) + length(aws_cloudwatch_event_rule.schedule) + length(aws_cloudwatch_metric_alarm.this) + length(aws_lambda_function.this.dead_letter_config) + length(aws_lambda_function.this.vpc_config) == 0
    error_message = "optional parts are left out"
  }
}

run "granted_statements" {
  command = plan

  variables {
    policy_statements = {
      read_raw     = { actions = ["s3:GetObjectVersion", "s3:GetObject"], resources = ["arn:aws:s3:::raw/*"] }
      read_answers = { actions = ["redshift-data:DescribeStatement"], resources = ["*"], condition = { StringEquals = { "redshift-data:statement-owner-iam-userid" = ["me"] } } }
    }
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[3] == { Sid = "ReadRaw", Effect = "Allow", Action = ["s3:GetObject", "s3:GetObjectVersion"], Resource = ["arn:aws:s3:::raw/*"] }
    error_message = "a statement without condition"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[2].Condition.StringEquals["redshift-data:statement-owner-iam-userid"] == ["me"]
    error_message = "a statement with one"
  }
}

run "on_a_queue" {
  command = plan

  variables {
    source_queue = { arn = "arn:aws:sqs:eu-central-1:000000000000:example", batch_size = 20, batch_window_seconds = 1, max_concurrency = 5 }
  }

  assert {
    condition     = aws_lambda_event_source_mapping.this["queue"].function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "a bad message comes back alone"
  }

  assert {
    condition     = one(aws_lambda_event_source_mapping.this["queue"].scaling_config).maximum_concurrency == 5
    error_message = "the queue starts so many copies at most"
  }

  assert {
    condition     = { for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid => s.Resource }.ReadSourceQueue == ["arn:aws:sqs:eu-central-1:000000000000:example"]
    error_message = "it may read that queue"
  }
}

run "on_a_schedule" {
  command = plan

  variables {
    schedule          = { expression = "rate(1 hour)" }
    failure_queue_arn = "arn:aws:sqs:eu-central-1:000000000000:failures"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.schedule["this"].schedule_expression == "rate(1 hour)" && aws_lambda_permission.schedule["this"].source_arn == "arn:aws:events:eu-central-1:000000000000:rule/local-example-schedule"
    error_message = "that rule, and no other, may start it"
  }

  assert {
    condition     = one(aws_lambda_function.this.dead_letter_config).target_arn == var.failure_queue_arn
    error_message = "failures are kept"
  }

  assert {
    condition     = { for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid => s }.SendFailures == { Sid = "SendFailures", Effect = "Allow", Action = ["sqs:SendMessage"], Resource = ["arn:aws:sqs:eu-central-1:000000000000:failures"] }
    error_message = "and it may send them"
  }
}

run "alarms_tags_and_limits" {
  command = plan

  variables {
    alarms    = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", max_errors = 2 }
    role_tags = { RedshiftDbRoles = "catalogue" }
    function  = { handler = "lambdas.example.handler.handler", memory_size = 256, timeout = 60, reserved_concurrency = 3, environment = { PROVING_GROUND_X = "1" } }
    logs      = { level = "DEBUG", retention_days = 365 }
  }

  assert {
    condition     = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.threshold } == { local-example-errors = 2, local-example-throttles = 0 }
    error_message = "an alarm for errors, one for throttles"
  }

  assert {
    condition     = aws_iam_role.this.tags == tomap({ RedshiftDbRoles = "catalogue" })
    error_message = "the role is tagged"
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 3 && aws_lambda_function.this.memory_size == 256 && aws_lambda_function.this.timeout == 60
    error_message = "limits are passed on"
  }

  assert {
    condition     = one(aws_lambda_function.this.environment).variables["PROVING_GROUND_X"] == "1" && one(aws_lambda_function.this.environment).variables["POWERTOOLS_LOG_LEVEL"] == "DEBUG"
    error_message = "the environment is passed on"
  }
}

run "in_a_network" {
  command = plan

  variables {
    network = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
  }

  assert {
    condition     = one(aws_lambda_function.this.vpc_config).subnet_ids == toset(["subnet-1", "subnet-2"]) && one(aws_lambda_function.this.vpc_config).security_group_ids == toset(["sg-1"])
    error_message = "it stands in the subnets it was given"
  }

  assert {
    condition     = { for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid => s.Action }.LambdaMakesInterfaces == { for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid => s.Action }.CodeMakesNone
    error_message = "Lambda may make interfaces, and the code none of it"
  }

  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid => s }.CodeMakesNone.Effect == "Deny" && (
      { for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid => s }.CodeMakesNone.Condition == { ArnEquals = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-central-1:000000000000:function:local-example"] } }
    )
    error_message = "denied to what runs as this very function"
  }
}

run "refuses_network_without_security_group" {
  command = plan
  variables {
    network = { subnet_ids = ["subnet-1"], security_group_ids = [] }
  }
  expect_failures = [var.network]
}

run "refuses_bad_function" {
  command = plan
  variables {
    function = { handler = "handler", memory_size = 64, timeout = 1000, reserved_concurrency = 0, environment = { AWS_REGION = "x" } }
  }
  expect_failures = [var.function]
}

run "refuses_bad_package" {
  command = plan
  variables {
    package = { path = "code.zip", hash = "abc", runtime = "nodejs22.x", architecture = "riscv", layers = ["1", "2", "3", "4", "5", "6"] }
  }
  expect_failures = [var.package]
}

run "refuses_bad_logs" {
  command = plan
  variables {
    logs = { level = "LOUD", retention_days = 31 }
  }
  expect_failures = [var.logs]
}

run "refuses_wildcard_actions" {
  command = plan
  variables {
    policy_statements = { anything = { actions = ["s3:*"], resources = ["*"] } }
  }
  expect_failures = [var.policy_statements]
}

run "refuses_statement_about_nothing" {
  command = plan
  variables {
    policy_statements = { nothing = { actions = ["s3:GetObject"], resources = [] } }
  }
  expect_failures = [var.policy_statements]
}

run "refuses_statement_with_bad_name" {
  command = plan
  variables {
    policy_statements = { "Read raw" = { actions = ["s3:GetObject"], resources = ["*"] } }
  }
  expect_failures = [var.policy_statements]
}

run "refuses_large_batch_without_window" {
  command = plan
  variables {
    source_queue = { arn = "arn:aws:sqs:eu-central-1:000000000000:example", batch_size = 11 }
  }
  expect_failures = [var.source_queue]
}

run "refuses_batch_and_concurrency_out_of_range" {
  command = plan
  variables {
    source_queue = { arn = "arn:aws:sqs:eu-central-1:000000000000:example", batch_size = 0, max_concurrency = 1 }
  }
  expect_failures = [var.source_queue]
}

run "refuses_schedule_in_words" {
  command = plan
  variables {
    schedule = { expression = "every hour" }
  }
  expect_failures = [var.schedule]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "an example"
  }
  expect_failures = [var.name]
}
