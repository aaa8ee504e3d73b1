locals {
  # No query string and no header: both may hold what is nobody's business.
  _access_log_format = jsonencode({
    address         = "$context.identity.sourceIp"
    api_key_id      = "$context.identity.apiKeyId"
    error           = "$context.error.message"
    function_status = "$context.integration.status"
    latency_ms      = "$context.responseLatency"
    method          = "$context.httpMethod"
    path            = "$context.path"
    request_id      = "$context.requestId"
    response_length = "$context.responseLength"
    status          = "$context.status"
    time            = "$context.requestTime"
    user            = "$context.authorizer.claims.sub"
    user_agent      = "$context.identity.userAgent"
  })
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn
}
