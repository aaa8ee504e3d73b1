resource "aws_cloudwatch_log_group" "jobs" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts every group; a key of one's own is logs.kms_key_arn
  #checkov:skip=CKV_AWS_338:How long a log is worth keeping is the environment's to say
  name              = "/aws/batch/${var.name}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn
}
