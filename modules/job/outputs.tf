output "job_definition" {
  description = "The job definition: name, ARN of the revision, and ARN without a revision, which means the latest."
  value = {
    name       = aws_batch_job_definition.this.name
    arn        = aws_batch_job_definition.this.arn
    family_arn = aws_batch_job_definition.this.arn_prefix
  }
}

output "job_role_arn" {
  description = "The job's role, for policies that name who may do something."
  value       = aws_iam_role.job.arn
}
