module "table" {
  source = "../table"

  name         = local._name
  keys         = { partition = "team-id", sort = "submission-id" }
  is_temporary = var.is_temporary
  alarms       = var.alarms

  indexes = {
    by-submission = { partition = "submission-id" }
    by-state      = { partition = "state", sort = "updated_at" }
  }
}

module "bucket" {
  source = "../bucket"

  name         = "${local._name}-${local._account_id}"
  is_temporary = var.is_temporary
  kms_key_arn  = var.storage.kms_key_arn
  access_log   = var.storage.access_log_bucket == null ? null : { bucket = var.storage.access_log_bucket, prefix = "${var.name}/" }

  # Results stay for ever. S3 leaves what is smaller than 128 KiB where it is, so it is the logs
  # and recordings of the attempts that get cheaper with age.
  lifecycle_rules = {
    archive            = { transitions = { GLACIER_IR = var.storage.archive_after_days } }
    forget-overwritten = { noncurrent_expire_days = var.storage.overwritten_days }
  }
}
