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
