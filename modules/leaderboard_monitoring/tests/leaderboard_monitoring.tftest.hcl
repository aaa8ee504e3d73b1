# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
}

variables {
  environment       = "local"
  leaderboard       = "leaderboard-10"
  name              = "local-leaderboard-10"
  queues            = { queue = "local-leaderboard-10", dead_letters = "local-leaderboard-10-dead-letters" }
  state_machine_arn = "arn:aws:states:eu-central-1:000000000000:stateMachine:local-leaderboard-10"
  functions = {
    start_submission = { name = "local-leaderboard-10-start", log_group = "/aws/lambda/local-leaderboard-10-start" }
    run_submission   = { name = "local-leaderboard-10-run", log_group = "/aws/lambda/local-leaderboard-10-run" }
  }
}

run "a_dashboard_and_no_alarms" {
  command = plan

  assert {
    condition     = length(output.alarm_names) == 0 && output.dashboard_name == "local-leaderboard-10"
    error_message = "no alarms unless asked for"
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.type] == ["metric", "metric", "metric", "metric", "metric", "metric", "log"]
    error_message = "the dashboard is JSON"
  }

  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.x + widget.width <= 24 && widget.properties.region == "eu-central-1"])
    error_message = "every widget fits the page and names its region"
  }

  assert {
    condition     = startswith(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[6].properties.query, "SOURCE '/aws/lambda/local-leaderboard-10-run' | SOURCE '/aws/lambda/local-leaderboard-10-start' | fields ")
    error_message = "complaints of all functions"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[4].properties.metrics[3] == ["AWS/Lambda", "Errors", "FunctionName", "local-leaderboard-10-start", { label = "errors of start_submission" }]
    error_message = "calls and errors of each function"
  }
}

run "alarms" {
  command = plan

  variables {
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", failed_percent = 25, failed_least = 4 }
  }

  assert {
    condition     = output.alarm_names == tolist(["local-leaderboard-10-failed-submissions", "local-leaderboard-10-stuck"])
    error_message = "two alarms"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["local-leaderboard-10-failed-submissions"].threshold == 25 && anytrue([for query in aws_cloudwatch_metric_alarm.this["local-leaderboard-10-failed-submissions"].metric_query : query.expression == "IF(FILL(failed, 0) >= 4, 100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(finished, 0)), 0)" && query.return_data])
    error_message = "a rate, of at least so many"
  }

  assert {
    condition = alltrue(flatten([
      for alarm in aws_cloudwatch_metric_alarm.this : [
        length([for query in alarm.metric_query : query if query.return_data]) == 1,
        alltrue([for query in alarm.metric_query : query.metric[0].dimensions == tomap({ environment = "local", leaderboard = "leaderboard-10" }) if query.expression == null]),
      ]
    ]))
    error_message = "each looks at one number, made of this leaderboard's counts"
  }
}

run "refuses_impossible_rate" {
  command = plan
  variables {
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", failed_percent = 100 }
  }
  expect_failures = [var.alarms]
}

run "refuses_rate_of_nothing" {
  command = plan
  variables {
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", failed_least = 0 }
  }
  expect_failures = [var.alarms]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "a leaderboard"
  }
  expect_failures = [var.name]
}
