resource "aws_api_gateway_usage_plan" "this" {
  name        = var.name
  description = "Limits of each API key of ${var.name}."

  api_stages {
    api_id = aws_api_gateway_rest_api.this.id
    stage  = aws_api_gateway_stage.this.stage_name
  }

  throttle_settings {
    rate_limit  = var.limits.key_rate
    burst_limit = var.limits.key_burst
  }

  quota_settings {
    limit  = var.limits.key_daily_quota
    period = "DAY"
  }
}

locals {
  # Asking for a token is where passwords can be guessed: it is slower for all keys together.
  _method_limits = {
    "*/*"        = { rate = var.limits.rate, burst = var.limits.burst }
    "token/POST" = { rate = var.limits.token_rate, burst = var.limits.token_burst }
  }
}

resource "aws_api_gateway_method_settings" "this" {
  #checkov:skip=CKV_AWS_225:Every answer depends on who asks; a cache would cost by the hour and could mix them up
  for_each = local._method_limits

  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = each.key

  settings {
    metrics_enabled        = true
    logging_level          = "ERROR"
    data_trace_enabled     = false
    throttling_rate_limit  = each.value.rate
    throttling_burst_limit = each.value.burst
  }
}
