# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_api_gateway_rest_api" {
    defaults = {
      id               = "abc123"
      root_resource_id = "root00"
      execution_arn    = "arn:aws:execute-api:eu-central-1:000000000000:abc123"
    }
  }

  mock_resource "aws_api_gateway_stage" {
    defaults = { invoke_url = "https://abc123.execute-api.eu-central-1.amazonaws.com/v1" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:/aws/apigateway/local-api" }
  }
}

variables {
  name          = "local-api"
  user_pool_arn = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_example"

  functions = {
    serve = { name = "local-serve-api", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:000000000000:function:local-serve-api/invocations" }
    token = { name = "local-issue-token", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:000000000000:function:local-issue-token/invocations" }
  }
}

run "every_route_wants_a_key_and_most_a_user" {
  command = plan

  assert {
    condition     = alltrue([for method in aws_api_gateway_method.this : method.api_key_required])
    error_message = "a key everywhere"
  }

  assert {
    condition     = { for name, method in aws_api_gateway_method.this : name => method.authorization } == { openapi = "NONE", proxy = "COGNITO_USER_POOLS", root = "COGNITO_USER_POOLS", token = "NONE" }
    error_message = "a user on all but the two that make or explain tokens"
  }

  assert {
    condition     = aws_api_gateway_method.this["token"].http_method == "POST" && aws_api_gateway_method.this["openapi"].http_method == "GET"
    error_message = "these two by one method each"
  }

  assert {
    condition     = strcontains(aws_api_gateway_integration.this["token"].uri, "local-issue-token") && strcontains(aws_api_gateway_integration.this["proxy"].uri, "local-serve-api")
    error_message = "each route to its function"
  }

  assert {
    condition     = aws_lambda_permission.this["serve"].source_arn == "arn:aws:execute-api:eu-central-1:000000000000:abc123/*/*"
    error_message = "only this API may call the functions"
  }

  assert {
    condition     = aws_api_gateway_authorizer.this.provider_arns == toset([var.user_pool_arn])
    error_message = "tokens of this user pool"
  }

  assert {
    condition     = alltrue([for response in aws_api_gateway_gateway_response.this : length(setsubtract(["code", "field", "message", "remedy"], keys(jsondecode(replace(response.response_templates["application/json"], "$context.error.messageString", "\"\""))))) == 0])
    error_message = "what the gateway says has the form of what our code says"
  }

  assert {
    condition     = aws_api_gateway_gateway_response.this["UNAUTHORIZED"].status_code == "401" && aws_api_gateway_gateway_response.this["INVALID_API_KEY"].status_code == "403" && aws_api_gateway_gateway_response.this["THROTTLED"].status_code == "429"
    error_message = "and the statuses the contract names"
  }

  assert {
    condition     = aws_api_gateway_stage.this.stage_name == "v1" && aws_api_gateway_stage.this.xray_tracing_enabled
    error_message = "stage v1, traced"
  }

  assert {
    condition     = jsondecode(one(aws_api_gateway_stage.this.access_log_settings).format).request_id == "$context.requestId"
    error_message = "an access log in JSON"
  }

  assert {
    condition     = one(aws_api_gateway_method_settings.this["token/POST"].settings).throttling_rate_limit < one(aws_api_gateway_method_settings.this["*/*"].settings).throttling_rate_limit
    error_message = "guessing secrets is slow"
  }

  assert {
    condition     = one(aws_api_gateway_usage_plan.this.quota_settings).period == "DAY" && one(aws_api_gateway_usage_plan.this.throttle_settings).rate_limit == 50
    error_message = "each key has its limits"
  }

  assert {
    condition     = length(aws_api_gateway_rest_api_policy.this) + length(aws_cloudwatch_metric_alarm.errors) == 0
    error_message = "optional parts are left out"
  }
}

run "address_list" {
  command = plan

  variables {
    allowed_addresses = ["198.51.100.0/24", "192.0.2.0/24"]
  }

  assert {
    condition     = jsondecode(aws_api_gateway_rest_api_policy.this["this"].policy).Statement[1].Condition.NotIpAddress["aws:SourceIp"] == ["192.0.2.0/24", "198.51.100.0/24"]
    error_message = "everybody else is refused"
  }

  assert {
    condition     = length(aws_api_gateway_deployment.this.triggers.configuration) == 64
    error_message = "a changed configuration is deployed"
  }
}

run "alarm" {
  command = plan

  variables {
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", max_server_errors = 3 }
    stage  = "v2"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.errors["local-api-server-errors"].threshold == 3 && aws_cloudwatch_metric_alarm.errors["local-api-server-errors"].dimensions["Stage"] == "v2"
    error_message = "answers with 5xx are noticed"
  }
}

run "refuses_empty_address_list" {
  command = plan
  variables {
    allowed_addresses = []
  }
  expect_failures = [var.allowed_addresses]
}

run "refuses_address_that_is_no_range" {
  command = plan
  variables {
    allowed_addresses = ["192.0.2.1"]
  }
  expect_failures = [var.allowed_addresses]
}

run "refuses_other_functions" {
  command = plan
  variables {
    functions = { serve = { name = "local-serve-api", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/x" } }
  }
  expect_failures = [var.functions]
}

run "refuses_zero_limits" {
  command = plan
  variables {
    limits = { burst = 0 }
  }
  expect_failures = [var.limits]
}

run "refuses_key_faster_than_all" {
  command = plan
  variables {
    limits = { rate = 10, key_rate = 20 }
  }
  expect_failures = [var.limits]
}

run "refuses_bad_stage" {
  command = plan
  variables {
    stage = "prod"
  }
  expect_failures = [var.stage]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "the api"
  }
  expect_failures = [var.name]
}
