output "client_id" {
  description = "Id of the client by which tokens are asked for."
  value       = aws_cognito_user_pool_client.this.id
}

output "user_pool" {
  description = "The user pool: id and ARN."
  value = {
    id  = aws_cognito_user_pool.this.id
    arn = aws_cognito_user_pool.this.arn
  }
}
