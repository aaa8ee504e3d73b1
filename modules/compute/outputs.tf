output "compute_environment" {
  description = "The environment: its full name, which changes when it is replaced, and its ARN."
  value = {
    name = aws_batch_compute_environment.this.compute_environment_name
    arn  = aws_batch_compute_environment.this.arn
  }
}
