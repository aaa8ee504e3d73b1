# What a challenge publishes, and what it must not: two buckets, of which the world sees one, and
# that one only through CloudFront.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  _account_id = data.aws_caller_identity.current.account_id

  _logs = var.access_log == null ? {} : { this = var.access_log }

  # A participant may still hold the older version, and a mistake is undone by it.
  _lifecycle = { forget = { noncurrent_expire_days = var.noncurrent_days } }
}

module "public" {
  source = "../bucket"

  name            = "${var.name}-public-contents-${local._account_id}"
  is_temporary    = var.is_temporary
  lifecycle_rules = local._lifecycle
  access_log      = var.access_log == null ? null : { bucket = var.access_log.bucket, prefix = "${var.name}/public/" }

  readers = {
    cloudfront = { service = "cloudfront.amazonaws.com", source_arn = aws_cloudfront_distribution.this.arn }
  }
}

module "private" {
  source = "../bucket"

  name            = "${var.name}-private-contents-${local._account_id}"
  is_temporary    = var.is_temporary
  lifecycle_rules = local._lifecycle
  access_log      = var.access_log == null ? null : { bucket = var.access_log.bucket, prefix = "${var.name}/private/" }
}
