# A key of its own: who may read the states is then decided in one place more than who may read
# buckets, and each use of it is in CloudTrail.
resource "aws_kms_key" "state" {
  description             = "Terraform's states of ${var.environment}."
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountDecidesByItsPolicies"
      Effect    = "Allow"
      Principal = { AWS = "${local._iam}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })

  lifecycle {
    prevent_destroy = true
  }
}

module "state" {
  source = "../../modules/bucket"

  name        = "${var.environment}-terraform-state-${local._account_id}"
  kms_key_arn = aws_kms_key.state.arn

  # Each apply writes a version, and an older one is how a damaged state is undone: long, not for
  # ever. A current state never ends by itself.
  lifecycle_rules = {
    old-versions = { noncurrent_expire_days = var.old_versions_days }
    old-backups  = { prefix = "backups/", expire_days = var.old_versions_days }
  }
}

# A module's resource cannot be protected from outside, so this stands for the bucket: a plan that
# destroys or replaces either is refused as a whole, before a single setting is taken off it.
resource "terraform_data" "kept" {
  triggers_replace = [module.state.bucket.name, aws_kms_key.state.arn]

  lifecycle {
    prevent_destroy = true
  }
}
