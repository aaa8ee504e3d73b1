locals {
  _raw_name = "${var.prefix}recordings-raw-${local._account_id}"

  # No role that works for the platform may change the rules raw data is kept under. Written out:
  # taken from the functions, the names would need the functions, which need the bucket.
  _workers = [
    for name in ["ingest-recording", "issue-token", "preprocess-recording", "reconcile-recordings", "serve-api"] :
    "arn:${local._partition}:iam::${local._account_id}:role/${var.prefix}${name}"
  ]
}

module "raw" {
  source = "../bucket"

  name         = local._raw_name
  is_temporary = var.is_temporary
  kms_key_arn  = var.storage.kms_key_arn
  object_lock  = var.storage.object_lock
  access_log   = var.storage.access_log_bucket == null ? null : { bucket = var.storage.access_log_bucket, prefix = "raw/" }

  write_once = {
    break_glass_principal_arns = var.storage.break_glass_principal_arns
    settings_denied_to         = toset(local._workers)
  }

  # Kept for ever, ever more cheaply: read at once for a while, then within a day.
  lifecycle_rules = {
    age = { transitions = { GLACIER_IR = var.storage.glacier_after_days, DEEP_ARCHIVE = var.storage.deep_archive_after_days } }
  }

  notifications = { queues = { ingest = { arn = module.queue.queue.arn } } }
}
