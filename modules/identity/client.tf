# The only client is our own token function, which stands behind an API key. A client secret
# would protect nothing more, and would have to be handed to that function.
resource "aws_cognito_user_pool_client" "this" {
  name         = "token"
  user_pool_id = aws_cognito_user_pool.this.id

  explicit_auth_flows           = ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"]
  generate_secret               = false
  prevent_user_existence_errors = "ENABLED"
  enable_token_revocation       = true

  access_token_validity  = var.tokens.minutes
  id_token_validity      = var.tokens.minutes
  refresh_token_validity = var.tokens.refresh_days

  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "days"
  }
}
