data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _account_id = data.aws_caller_identity.current.account_id

  # Written out, so that the role does not wait for the cluster.
  _cluster_arn = join(":", [
    "arn", data.aws_partition.current.partition, "eks", data.aws_region.current.name, local._account_id, "cluster/${var.cluster_name}",
  ])
}

resource "aws_eks_pod_identity_association" "this" {
  cluster_name    = var.cluster_name
  namespace       = var.service_account.namespace
  service_account = var.service_account.name
  role_arn        = aws_iam_role.this.arn

  # A pod that starts before its role may do anything fails its first calls.
  depends_on = [aws_iam_role_policy.this]
}

resource "aws_iam_role" "this" {
  name        = var.name
  description = "What ${var.service_account.name} in namespace ${var.service_account.namespace} of ${var.cluster_name} may do."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      # Pods of this cluster only: the service speaks for all clusters of the account.
      Condition = {
        ArnEquals    = { "aws:SourceArn" = local._cluster_arn }
        StringEquals = { "aws:SourceAccount" = local._account_id }
      }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "workload"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for name, statement in var.policy_statements : merge(
        {
          Sid      = replace(title(replace(name, "_", " ")), " ", "")
          Effect   = "Allow"
          Action   = sort(statement.actions)
          Resource = sort(statement.resources)
        },
        length(statement.condition) == 0 ? null : { Condition = statement.condition },
      )
    ]
  })
}
