locals {
  _ci = var.ci == null ? {} : { this = var.ci }

  _github_host = "token.actions.githubusercontent.com"

  _provider_arn = try(coalesce(var.ci.oidc_provider_arn, one([
    for provider in aws_iam_openid_connect_provider.github : provider.arn
  ])), null)

  # GitHub signs who asks: https://docs.github.com/actions/reference/security/oidc
  # Equal, never "like": a pattern would let in branches and environments that anybody can make.
  _subjects = var.ci == null ? {} : {
    plan  = ["repo:${var.ci.repository}:pull_request", "repo:${var.ci.repository}:ref:refs/heads/${var.ci.branch}"]
    apply = ["repo:${var.ci.repository}:environment:${var.environment}"]
  }

  _trust = {
    for role, subjects in local._subjects : role => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "GitHub"
        Effect    = "Allow"
        Principal = { Federated = local._provider_arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = {
            "${local._github_host}:aud" = "sts.amazonaws.com"
            "${local._github_host}:sub" = subjects
          }
        }
      }]
    })
  }

  _state_objects = "${module.state.bucket.arn}/env:/${var.environment}"
}

# No thumbprints: AWS checks GitHub's certificate against its own list of authorities.
resource "aws_iam_openid_connect_provider" "github" {
  for_each = { for key, ci in local._ci : key => ci if ci.oidc_provider_arn == null }

  url            = "https://${local._github_host}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "plan" {
  for_each = local._ci

  name                 = "${var.environment}-ci-plan"
  description          = "Plans of ${each.value.repository}: reads how things are set, no data."
  assume_role_policy   = local._trust.plan
  max_session_duration = 3600
}

resource "aws_iam_role" "apply" {
  for_each = local._ci

  name                 = "${var.environment}-ci-apply"
  description          = "Applies of ${each.value.repository}, from GitHub's environment ${var.environment} only."
  assume_role_policy   = local._trust.apply
  max_session_duration = 7200 # a cluster takes half an hour, and comes with node groups and databases
}
