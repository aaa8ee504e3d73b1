output "ci" {
  description = "CI: repository and branch, the ARNs of its two roles and of GitHub's identity provider; null without CI."
  value = var.ci == null ? null : {
    repository        = var.ci.repository
    branch            = var.ci.branch
    plan_role_arn     = one([for role in aws_iam_role.plan : role.arn])
    apply_role_arn    = one([for role in aws_iam_role.apply : role.arn])
    oidc_provider_arn = local._provider_arn
  }
}

output "state" {
  description = "Where Terraform's states lie: the bucket's name and ARN, the ARN of its key."
  value = {
    bucket      = module.state.bucket.name
    arn         = module.state.bucket.arn
    kms_key_arn = aws_kms_key.state.arn
  }
}
