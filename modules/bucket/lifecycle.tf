resource "aws_s3_bucket_lifecycle_configuration" "this" {
  # A rule about noncurrent versions means something only once versioning is on.
  bucket = aws_s3_bucket_versioning.this.bucket

  # What a broken upload left behind is paid for and shown nowhere: every bucket clears it.
  rule {
    id     = "abort-incomplete-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = var.abort_incomplete_uploads_days
    }
  }

  dynamic "rule" {
    for_each = var.lifecycle_rules

    content {
      id     = rule.key
      status = "Enabled"

      filter {
        prefix = rule.value.prefix
      }

      dynamic "transition" {
        for_each = rule.value.transitions

        content {
          storage_class = transition.key
          days          = transition.value
        }
      }

      dynamic "expiration" {
        for_each = rule.value.expire_days == null ? [] : [rule.value.expire_days]

        content {
          days = expiration.value
        }
      }

      dynamic "noncurrent_version_expiration" {
        for_each = rule.value.noncurrent_expire_days == null ? [] : [rule.value.noncurrent_expire_days]

        content {
          noncurrent_days = noncurrent_version_expiration.value
        }
      }
    }
  }
}
