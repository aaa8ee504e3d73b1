# What a plan may do: read how things are set, and take the state's lock. A pull request runs with
# it before anybody has read it, so nothing that it reads is data: no object, no item, no message,
# no log, no secret. Reading a description knows no resource in most services, hence "*"; which
# descriptions is said service by service. A service that the platform takes up is added here.
locals {
  _read_actions = [
    "acm:Describe*", "acm:List*",
    "apigateway:GET",
    "application-autoscaling:Describe*", "application-autoscaling:List*",
    "autoscaling:Describe*",
    "batch:Describe*", "batch:List*",
    "cloudfront:Describe*", "cloudfront:Get*", "cloudfront:List*",
    "cloudwatch:Describe*", "cloudwatch:GetDashboard", "cloudwatch:ListDashboards", "cloudwatch:ListTagsForResource",
    "cognito-idp:Describe*", "cognito-idp:GetGroup", "cognito-idp:GetUserPoolMfaConfig",
    "cognito-idp:ListResourceServers", "cognito-idp:ListTagsForResource", "cognito-idp:ListUserPool*",
    "dynamodb:Describe*", "dynamodb:GetResourcePolicy", "dynamodb:List*",
    "ec2:Describe*", "ec2:GetInstanceTypesFromInstanceRequirements", "ec2:GetManagedPrefixList*",
    "ecr:Describe*", "ecr:GetLifecyclePolicy", "ecr:GetRegistry*", "ecr:GetRepositoryPolicy", "ecr:List*",
    "eks:Describe*", "eks:List*",
    "elasticache:Describe*", "elasticache:List*",
    "elasticloadbalancing:Describe*",
    "es:Describe*", "es:List*",
    "events:Describe*", "events:List*",
    "iam:Get*", "iam:List*",
    "kms:Describe*", "kms:GetKey*", "kms:List*",
    "lambda:Get*", "lambda:List*",
    "logs:Describe*", "logs:List*",
    "rds:Describe*", "rds:List*",
    "redshift-serverless:GetNamespace", "redshift-serverless:GetResourcePolicy",
    "redshift-serverless:GetUsageLimit", "redshift-serverless:GetWorkgroup", "redshift-serverless:List*",
    "route53:Get*", "route53:List*",
    "s3:GetAccelerateConfiguration", "s3:GetAccountPublicAccessBlock", "s3:GetBucket*",
    "s3:GetEncryptionConfiguration", "s3:GetIntelligentTieringConfiguration", "s3:GetInventoryConfiguration",
    "s3:GetLifecycleConfiguration", "s3:GetMetricsConfiguration", "s3:GetReplicationConfiguration",
    "s3:ListAllMyBuckets", "s3:ListBucket", "s3:ListTagsForResource",
    "scheduler:Get*", "scheduler:List*",
    "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy", "secretsmanager:ListSecrets",
    "servicequotas:Get*", "servicequotas:List*",
    "ses:Describe*", "ses:GetEmailIdentity*", "ses:GetIdentity*", "ses:List*",
    "sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:List*",
    "sqs:GetQueue*", "sqs:List*",
    "states:DescribeStateMachine*", "states:ListStateMachine*", "states:ListTagsForResource",
    "states:ValidateStateMachineDefinition",
    "tag:Get*",
    "wafv2:Describe*", "wafv2:Get*", "wafv2:List*",
    "xray:GetGroup*", "xray:GetSamplingRules",
  ]

  _plan_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadHowThingsAreSet"
        Effect   = "Allow"
        Action   = local._read_actions
        Resource = "*"
      },
      {
        # AWS's own, such as the number of the newest image for nodes.
        Sid      = "ReadPublicParameters"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter", "ssm:GetParameters"]
        Resource = "arn:${local._partition}:ssm:*::parameter/aws/service/*"
      },
      {
        # Secrets that say by a tag that nothing in them is secret: a leaderboard's parameters, which
        # Terraform writes and therefore compares.
        Sid       = "ReadParameters"
        Effect    = "Allow"
        Action    = "secretsmanager:GetSecretValue"
        Resource  = "arn:${local._partition}:secretsmanager:${var.region}:${local._account_id}:secret:*"
        Condition = { StringEquals = { "aws:ResourceTag/holds" = "parameters" } }
      },
      {
        Sid      = "ReadStates"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${local._state_objects}/*"
      },
      {
        # A plan that takes no lock could be made of half of somebody's apply.
        Sid      = "TakeLocks"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:PutObject"]
        Resource = "${local._state_objects}/*.tflock"
      },
      {
        Sid      = "UseTheStatesKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = aws_kms_key.state.arn
      },
    ]
  })
}

resource "aws_iam_role_policy" "plan" {
  #checkov:skip=CKV_AWS_355:Descriptions of most services know no resource; each action is named, and none of them reads data
  #checkov:skip=CKV_AWS_288:The only objects it may read are this environment's states
  for_each = local._ci

  name   = "plan"
  role   = aws_iam_role.plan[each.key].name
  policy = local._plan_policy
}
