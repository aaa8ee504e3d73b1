locals {
  # Every route wants an API key. Those without a user are the ones that make or explain tokens.
  _routes = {
    root    = { path = null, method = "ANY", function = "serve", needs_user = true }
    proxy   = { path = "proxy", method = "ANY", function = "serve", needs_user = true }
    openapi = { path = "openapi", method = "GET", function = "serve", needs_user = false }
    token   = { path = "token", method = "POST", function = "token", needs_user = false }
  }

  _paths = {
    openapi = "openapi.json"
    proxy   = "{proxy+}"
    token   = "token"
  }

  _resource_ids = {
    for name, route in local._routes : name => (
      route.path == null ? aws_api_gateway_rest_api.this.root_resource_id : aws_api_gateway_resource.this[name].id
    )
  }
}

resource "aws_api_gateway_resource" "this" {
  for_each = local._paths

  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_rest_api.this.root_resource_id
  path_part   = each.value
}

resource "aws_api_gateway_method" "this" {
  #checkov:skip=CKV2_AWS_53:The functions check every field and say which one is wrong; the gateway's validator would answer first, and say less
  for_each = local._routes

  rest_api_id      = aws_api_gateway_rest_api.this.id
  resource_id      = local._resource_ids[each.key]
  http_method      = each.value.method
  api_key_required = true
  authorization    = each.value.needs_user ? "COGNITO_USER_POOLS" : "NONE"
  authorizer_id    = each.value.needs_user ? aws_api_gateway_authorizer.this.id : null
}

resource "aws_api_gateway_integration" "this" {
  for_each = local._routes

  rest_api_id             = aws_api_gateway_rest_api.this.id
  resource_id             = local._resource_ids[each.key]
  http_method             = aws_api_gateway_method.this[each.key].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = var.functions[each.value.function].invoke_arn
}

resource "aws_lambda_permission" "this" {
  for_each = var.functions

  statement_id  = "${var.name}-gateway"
  action        = "lambda:InvokeFunction"
  function_name = each.value.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/*/*"
}
