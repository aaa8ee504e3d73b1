data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _account_id = data.aws_caller_identity.current.account_id
  _partition  = data.aws_partition.current.partition
  _region     = data.aws_region.current.name

  _arn_prefix = "arn:${local._partition}:eks:${local._region}:${local._account_id}"
}

resource "aws_eks_cluster" "this" {
  #checkov:skip=CKV_AWS_39:The public endpoint opens only to the addresses named, and not at all when none is
  name     = var.name
  role_arn = aws_iam_role.this.arn
  version  = var.kubernetes.version

  # Pinned add-ons of our own take their place.
  bootstrap_self_managed_addons = false
  enabled_cluster_log_types     = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

  access_config {
    authentication_mode = "API"
    # Whoever happened to create the cluster would be its administrator for ever, unseen.
    bootstrap_cluster_creator_admin_permissions = false
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = aws_kms_key.this.arn
    }
  }

  upgrade_policy {
    support_type = upper(var.kubernetes.support)
  }

  vpc_config {
    subnet_ids              = var.network.subnet_ids
    endpoint_private_access = true
    endpoint_public_access  = length(var.kubernetes.public_access_ranges) > 0
    public_access_cidrs     = length(var.kubernetes.public_access_ranges) > 0 ? var.kubernetes.public_access_ranges : null
  }

  # EKS makes a missing log group itself, without retention; and without its policies the
  # cluster can neither be made nor taken down.
  depends_on = [
    aws_cloudwatch_log_group.this,
    aws_iam_role_policy.secrets,
    aws_iam_role_policy_attachment.this,
  ]
}
