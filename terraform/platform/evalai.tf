# What all leaderboards share, once per environment: EvalAI's way in, what it may do, what is known
# of it, and what the challenge publishes. Nothing of it is there without a leaderboard.
locals {
  evalai = length(var.leaderboards) == 0 ? {} : { this = var.evalai }

  evalai_name = "${var.prefix}evalai"

  # Values come from people, by `glue leaderboard connect`: none lies in Terraform's state.
  evalai_secrets = {
    access = { name = local.evalai_name, description = "EvalAI: {\"auth_token\": …, \"api_server\": …}." }
    tracks = { name = "${local.evalai_name}-tracks", description = "Leaderboard and track by EvalAI's phase: {\"12\": \"leaderboard-10-SENSORS\"}." }
  }

  account_arn = "arn:${data.aws_partition.current.partition}:%s:%s:${var.account_id}:%s"
}

data "aws_partition" "current" {}

resource "aws_secretsmanager_secret" "evalai" {
  #checkov:skip=CKV_AWS_149:Encrypted with AWS's key for secrets; a key of one's own would cost more than both secrets
  #checkov:skip=CKV2_AWS_57:EvalAI gives the token out to a person, for a year; glue leaderboard connect writes the next
  for_each = length(local.evalai) == 0 ? {} : local.evalai_secrets

  name        = each.value.name
  description = each.value.description

  # Without a window the name is free again at once; with one a mistake can be undone.
  recovery_window_in_days = local.is_temporary ? 0 : 30
}

# Sixty requests a minute, shared by all functions of all leaderboards.
module "evalai_budget" {
  source   = "../../modules/table"
  for_each = local.evalai

  name         = "${local.evalai_name}-budget"
  keys         = { partition = "name" }
  is_temporary = local.is_temporary
  alarms       = local.alarms
}

module "contents" {
  source   = "../../modules/contents"
  for_each = local.evalai

  name         = "${var.prefix}leaderboard"
  is_temporary = local.is_temporary
  access_log   = each.value.contents.access_log
  delivery     = each.value.contents.delivery
  own_names    = each.value.contents.own_names
}

# EvalAI's servers are not in AWS's hands: a key is the only thing they take. It is made by
# `glue leaderboard connect --sending-key`, shown once, and never known here. The path is what CI's
# apply may make users under.
resource "aws_iam_user" "evalai" {
  #checkov:skip=CKV_AWS_273:EvalAI's servers cannot sign in; they are given a key of this user
  for_each = local.evalai

  name = local.evalai_name
  path = "/evalai/"

  # The key goes with the user: nobody else has a use for it.
  force_destroy = true
}

# These two and no more: with sqs:CreateQueue EvalAI would make a missing queue anew, unseen.
resource "aws_iam_user_policy" "evalai_queues" {
  #checkov:skip=CKV_AWS_40:One user, which stands in no group
  for_each = local.evalai

  name = "send-submissions"
  user = aws_iam_user.evalai[each.key].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "SendSubmissions"
      Effect   = "Allow"
      Action   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
      Resource = sort([for leaderboard in module.leaderboard : leaderboard.leaderboard.queue.arn])
    }]
  })
}

locals {
  # EvalAI makes one repository for each team, and hands participants a token of this user.
  evalai_repositories = [
    for pattern in var.evalai.image_repositories : format(local.account_arn, "ecr", "us-east-1", "repository/${pattern}")
  ]

  evalai_push_actions = [
    "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
  ]
}

resource "aws_iam_user_policy" "evalai_images" {
  #checkov:skip=CKV_AWS_40:One user, which stands in no group
  for_each = local.evalai

  name = "push-images"
  user = aws_iam_user.evalai[each.key].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "PushImages"
          Effect   = "Allow"
          Action   = local.evalai_push_actions
          Resource = concat([for name, repository in module.registry_us_east_1.repositories : repository.arn if name == "submissions"], sort(local.evalai_repositories))
        },
        {
          Sid      = "LetParticipantsPush"
          Effect   = "Allow"
          Action   = ["sts:GetFederationToken"]
          Resource = [format(local.account_arn, "sts", "", "federated-user/*")]
        },
        {
          # It knows no resource.
          Sid       = "LogIn"
          Effect    = "Allow"
          Action    = ["ecr:GetAuthorizationToken"]
          Resource  = ["*"]
          Condition = { StringEquals = { "aws:RequestedRegion" = "us-east-1" } }
        },
      ],
      length(local.evalai_repositories) == 0 ? [] : [{
        Sid      = "MakeTeamsRepositories"
        Effect   = "Allow"
        Action   = ["ecr:CreateRepository"]
        Resource = sort(local.evalai_repositories)
      }],
    )
  })
}
