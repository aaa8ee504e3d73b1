resource "aws_api_gateway_authorizer" "this" {
  name          = "users"
  rest_api_id   = aws_api_gateway_rest_api.this.id
  type          = "COGNITO_USER_POOLS"
  provider_arns = [var.user_pool_arn]
}

# Deny, so that it holds whatever else is allowed; and the allowance is needed, because a policy
# of its own turns a REST API from open to closed.
resource "aws_api_gateway_rest_api_policy" "this" {
  for_each = var.allowed_addresses == null ? {} : { this = sort(var.allowed_addresses) }

  rest_api_id = aws_api_gateway_rest_api.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Callers"
        Effect    = "Allow"
        Principal = "*"
        Action    = "execute-api:Invoke"
        Resource  = "${aws_api_gateway_rest_api.this.execution_arn}/*"
      },
      {
        Sid       = "FromTheseAddressesOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "execute-api:Invoke"
        Resource  = "${aws_api_gateway_rest_api.this.execution_arn}/*"
        Condition = { NotIpAddress = { "aws:SourceIp" = each.value } }
      },
    ]
  })
}
