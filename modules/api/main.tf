resource "aws_api_gateway_rest_api" "this" {
  name        = var.name
  description = "HTTP API of ${var.name}."

  endpoint_configuration { types = ["REGIONAL"] }

  lifecycle { create_before_destroy = true }
}

# A deployment is a photograph: it shows what was there when it was taken. So it is taken anew
# whenever something on it changes, and only once everything is in its place.
resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  description = "Made by Terraform."

  triggers = {
    configuration = sha256(jsonencode([
      local._routes,
      local._paths,
      local._gateway_responses,
      var.functions,
      var.user_pool_arn,
      var.allowed_addresses,
    ]))
  }

  lifecycle { create_before_destroy = true }

  depends_on = [
    aws_api_gateway_gateway_response.this,
    aws_api_gateway_integration.this,
    aws_api_gateway_rest_api_policy.this,
  ]
}

resource "aws_api_gateway_stage" "this" {
  #checkov:skip=CKV_AWS_120:Every answer depends on who asks; a cache would cost by the hour and could mix them up
  #checkov:skip=CKV2_AWS_51:Behind the API stand only functions, called under IAM; a client certificate is for HTTP back ends
  #checkov:skip=CKV2_AWS_29:Key, token, throttle and address list stand before the API; a web firewall costs more than all of it and is a decision of its own
  rest_api_id          = aws_api_gateway_rest_api.this.id
  deployment_id        = aws_api_gateway_deployment.this.id
  stage_name           = var.stage
  xray_tracing_enabled = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = local._access_log_format
  }
}
