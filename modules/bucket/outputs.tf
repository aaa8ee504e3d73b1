# Whoever gets the bucket gets it with its rules in force, hence depends_on.
output "bucket" {
  description = "The bucket: name and ARN."
  value = {
    name = aws_s3_bucket.this.id
    arn  = aws_s3_bucket.this.arn
  }

  depends_on = [
    aws_s3_bucket_object_lock_configuration.this,
    aws_s3_bucket_policy.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_versioning.this,
  ]
}

# Without its rules: a distribution that stands before the bucket is named by one of them.
output "regional_domain_name" {
  description = "Where the bucket itself answers, for a distribution that stands before it."
  value       = aws_s3_bucket.this.bucket_regional_domain_name
}
