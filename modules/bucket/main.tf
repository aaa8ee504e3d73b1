resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_144:Recordings stay in the region whose law they fall under; a copy elsewhere is a decision of its own, not a default
  bucket = var.name

  # Terraform itself may empty only what can be made again.
  force_destroy = var.is_temporary

  # Object Lock can be switched on only while a bucket is made: changing it replaces the bucket.
  object_lock_enabled = var.object_lock != null
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "this" {
  for_each = var.object_lock == null ? {} : { this = var.object_lock }

  bucket = aws_s3_bucket_versioning.this.bucket

  rule {
    default_retention {
      mode = each.value.mode
      days = each.value.days
    }
  }
}
