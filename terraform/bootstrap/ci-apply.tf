# What an apply may do: everything with the services that the platform consists of, since it makes
# and removes whole systems of them, in an account that holds nothing else; in two regions; and not
# what stands above it. Names cannot bound it: prod's may have no prefix.
#
# Who may make a role and a function can in the end do what any role can. What guards this role is
# therefore first of all its trust: GitHub's environment, with reviewers. See the README.
locals {
  _managed_services = [
    "acm", "apigateway", "application-autoscaling", "autoscaling", "batch", "cloudfront", "cloudwatch",
    "cognito-idp", "dynamodb", "ec2", "ecr", "eks", "elasticache", "elasticloadbalancing", "es", "events",
    "kms", "lambda", "logs", "rds", "redshift-serverless", "route53", "s3", "scheduler",
    "secretsmanager", "ses", "sns", "sqs", "states", "tag", "wafv2", "xray",
  ]

  # Services that the platform's roles are handed to.
  _role_users = [
    "apigateway", "autoscaling", "batch", "ec2", "ecs-tasks", "eks", "events", "lambda", "pods.eks",
    "rds", "redshift-serverless", "scheduler", "spotfleet", "states", "vpc-flow-logs",
  ]

  _ci_roles = "${local._iam}:role/${var.environment}-ci-*"

  _apply_services = [
    {
      Sid      = "ManageThePlatformsServices"
      Effect   = "Allow"
      Action   = [for service in local._managed_services : "${service}:*"]
      Resource = "*"
      # Services without a region answer in us-east-1, and registries and certificates lie there too.
      Condition = { StringEquals = { "aws:RequestedRegion" = distinct([var.region, "us-east-1"]) } }
    },
    {
      Sid      = "ReadHowThingsAreSet"
      Effect   = "Allow"
      Action   = ["iam:Get*", "iam:List*", "servicequotas:Get*", "servicequotas:List*"]
      Resource = "*"
    },
    {
      Sid      = "ReadPublicParameters"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter", "ssm:GetParameters"]
      Resource = "arn:${local._partition}:ssm:*::parameter/aws/service/*"
    },
  ]

  # Roles, policies, instance profiles, and the cluster's own identity provider: no group, no
  # password, and no user but the one for EvalAI, which has a path of its own. Its keys are made
  # by people; an apply may only take them away, together with the user.
  _apply_roles = [
    {
      Sid    = "ManageRoles"
      Effect = "Allow"
      Action = [
        "iam:AddRoleToInstanceProfile", "iam:AttachRolePolicy", "iam:CreateInstanceProfile",
        "iam:CreateOpenIDConnectProvider", "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:CreateRole",
        "iam:DeleteInstanceProfile", "iam:DeleteOpenIDConnectProvider", "iam:DeletePolicy",
        "iam:DeletePolicyVersion", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
        "iam:PutRolePolicy", "iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile",
        "iam:TagOpenIDConnectProvider", "iam:TagPolicy", "iam:TagRole", "iam:UntagInstanceProfile",
        "iam:UntagOpenIDConnectProvider", "iam:UntagPolicy", "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy", "iam:UpdateOpenIDConnectProviderThumbprint", "iam:UpdateRole",
        "iam:UpdateRoleDescription",
      ]
      Resource = [for kind in ["instance-profile", "oidc-provider", "policy", "role"] : "${local._iam}:${kind}/*"]
    },
    {
      Sid    = "ManageEvalaisUser"
      Effect = "Allow"
      Action = [
        "iam:CreateUser", "iam:DeleteAccessKey", "iam:DeleteUser", "iam:DeleteUserPolicy", "iam:PutUserPolicy",
        "iam:TagUser", "iam:UntagUser", "iam:UpdateUser",
      ]
      Resource = "${local._iam}:user/evalai/*"
    },
    {
      Sid       = "HandRolesToServices"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = "${local._iam}:role/*"
      Condition = { StringEquals = { "iam:PassedToService" = [for user in local._role_users : "${user}.amazonaws.com"] } }
    },
    {
      Sid      = "MakeRolesOfServices"
      Effect   = "Allow"
      Action   = ["iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:GetServiceLinkedRoleDeletionStatus"]
      Resource = "${local._iam}:role/aws-service-role/*"
    },
  ]

  # A denial outweighs every permission, also those that an apply gives itself.
  _apply_denials = [
    {
      Sid      = "CiIsOutOfReach"
      Effect   = "Deny"
      Action   = "iam:*"
      Resource = concat([local._ci_roles], local._provider_arn == null ? [] : [local._provider_arn])
    },
    {
      # A role whose trust names this one would need no permission on this side.
      Sid      = "BecomeNobodyElse"
      Effect   = "Deny"
      Action   = ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"]
      Resource = "*"
    },
    {
      Sid    = "StatesBucketStaysAsItIs"
      Effect = "Deny"
      Action = [
        "s3:DeleteBucket*", "s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
        "s3:PutReplicationConfiguration",
      ]
      Resource = module.state.bucket.arn
    },
    {
      # Whoever could write this root's state could make its next apply do anything.
      Sid      = "BootstrapsStateIsOutOfReach"
      Effect   = "Deny"
      Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      Resource = "${module.state.bucket.arn}/bootstrap.tfstate*"
    },
    {
      Sid    = "StatesKeyStaysAsItIs"
      Effect = "Deny"
      Action = [
        "kms:CreateGrant", "kms:DeleteImportedKeyMaterial", "kms:Disable*", "kms:PutKeyPolicy",
        "kms:ScheduleKeyDeletion", "kms:UpdateKeyDescription",
      ]
      Resource = aws_kms_key.state.arn
    },
    {
      # Erasing for good, recordings first of all, is for people: glue deploy destroy.
      Sid      = "NothingIsErasedForGood"
      Effect   = "Deny"
      Action   = ["s3:BypassGovernanceRetention", "s3:DeleteObjectVersion"]
      Resource = "*"
    },
  ]

  _apply_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local._apply_services, local._apply_roles, local._apply_denials)
  })
}

resource "aws_iam_role_policy" "apply" {
  #checkov:skip=CKV_AWS_286:An apply makes the platform's roles; CI's own are denied to it, and a person approves each run
  #checkov:skip=CKV_AWS_287:It hands out registry logins and reads secrets' values, which it has to write
  #checkov:skip=CKV_AWS_288:It manages the services that hold the data, of one account that holds nothing else
  #checkov:skip=CKV_AWS_289:As CKV_AWS_286
  #checkov:skip=CKV_AWS_290:Names cannot bound it, since prod's may have no prefix; regions and services do
  #checkov:skip=CKV_AWS_355:As CKV_AWS_290
  for_each = local._ci

  name   = "apply"
  role   = aws_iam_role.apply[each.key].name
  policy = local._apply_policy
}
