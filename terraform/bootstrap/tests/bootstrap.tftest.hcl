# Mocked values are known as early as the plan. Nothing is applied: what may not be destroyed could
# not be cleared away after the test.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/one" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = { id = "staging-terraform-state-123456789012", arn = "arn:aws:s3:::staging-terraform-state-123456789012" }
  }
}

variables {
  account_id  = "123456789012"
  environment = "staging"
  region      = "eu-central-1"
}

run "state_bucket_alone" {
  command = plan

  assert {
    condition     = output.state == { bucket = "staging-terraform-state-123456789012", arn = "arn:aws:s3:::staging-terraform-state-123456789012", kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/one" }
    error_message = "named after environment and account, under its own key"
  }

  assert {
    condition     = aws_kms_key.state.enable_key_rotation && aws_kms_key.state.deletion_window_in_days == 30
    error_message = "a key that rotates, and that a mistake does not lose at once"
  }

  assert {
    condition     = terraform_data.kept.triggers_replace == ["staging-terraform-state-123456789012", "arn:aws:kms:eu-central-1:123456789012:key/one"]
    error_message = "what stands for bucket and key follows both"
  }

  assert {
    condition     = output.ci == null && length(aws_iam_role.plan) + length(aws_iam_role.apply) + length(aws_iam_openid_connect_provider.github) == 0
    error_message = "no roles without a repository"
  }
}

run "roles_of_ci" {
  command = plan

  variables {
    ci = { repository = "example-org/proving-ground" }
  }

  assert {
    condition     = aws_iam_openid_connect_provider.github["this"].url == "https://token.actions.githubusercontent.com" && aws_iam_openid_connect_provider.github["this"].client_id_list == toset(["sts.amazonaws.com"])
    error_message = "GitHub's identity provider, for STS only"
  }

  assert {
    condition = jsondecode(aws_iam_role.plan["this"].assume_role_policy).Statement[0].Condition == {
      StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = ["repo:example-org/proving-ground:pull_request", "repo:example-org/proving-ground:ref:refs/heads/main"]
      }
    }
    error_message = "pull requests and the main branch may plan"
  }

  assert {
    condition = jsondecode(aws_iam_role.apply["this"].assume_role_policy).Statement[0].Condition == {
      StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = ["repo:example-org/proving-ground:environment:staging"]
      }
    }
    error_message = "GitHub's environment alone may apply"
  }

  assert {
    condition = alltrue([
      for role in [aws_iam_role.plan["this"], aws_iam_role.apply["this"]] :
      jsondecode(role.assume_role_policy).Statement[0].Principal == { Federated = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" } &&
      jsondecode(role.assume_role_policy).Statement[0].Action == "sts:AssumeRoleWithWebIdentity" && length(jsondecode(role.assume_role_policy).Statement) == 1
    ])
    error_message = "nobody else takes them on"
  }

  assert {
    condition     = aws_iam_role.plan["this"].name == "staging-ci-plan" && aws_iam_role.apply["this"].name == "staging-ci-apply"
    error_message = "named so that the denial below meets both"
  }
}

run "another_branch_and_a_provider_that_is_there" {
  command = plan

  variables {
    ci = {
      repository        = "example-org/proving-ground"
      branch            = "release/1.0"
      oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    }
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && output.ci.oidc_provider_arn == var.ci.oidc_provider_arn
    error_message = "the one that is there is used"
  }

  assert {
    condition     = contains(jsondecode(aws_iam_role.plan["this"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"], "repo:example-org/proving-ground:ref:refs/heads/release/1.0")
    error_message = "that branch may plan"
  }
}

run "a_plan_reads_no_data" {
  command = plan

  variables {
    ci = { repository = "example-org/proving-ground" }
  }

  assert {
    condition     = alltrue([for action in jsondecode(aws_iam_role_policy.plan["this"].policy).Statement[0].Action : can(regex("^[a-z0-9-]+:(Describe|Get|List|GET|Validate)", action))])
    error_message = "it describes, gets and lists"
  }

  assert {
    condition = length([
      for action in jsondecode(aws_iam_role_policy.plan["this"].policy).Statement[0].Action : action
      if can(regex("^(s3:Get(\\*|O)|dynamodb:(Get(\\*|I)|\\*)|secretsmanager:GetS|secretsmanager:Get\\*|sqs:Rec|logs:(Get|Filter|Start)|kms:(Dec|Gen)|ssm:|ecr:(Batch|GetD|GetA|Get\\*)|cognito-idp:ListUsers|cognito-idp:List\\*|states:(GetE|DescribeE|Describe\\*)|redshift-serverless:(GetC|Get\\*)|ec2:GetP|ec2:GetC|ec2:Get\\*)", action))
    ]) == 0
    error_message = "no action that yields data or credentials is among them"
  }

  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.plan["this"].policy).Statement : s.Sid if s.Resource == "*"] == ["ReadHowThingsAreSet"]
    error_message = "all else is bound to what it is for"
  }

  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.plan["this"].policy).Statement : s.Sid => s.Resource if startswith(s.Sid, "Read") && s.Resource != "*" || s.Sid == "TakeLocks" } == {
      ReadParameters       = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:*"
      ReadPublicParameters = "arn:aws:ssm:*::parameter/aws/service/*"
      ReadStates           = "arn:aws:s3:::staging-terraform-state-123456789012/env:/staging/*"
      TakeLocks            = "arn:aws:s3:::staging-terraform-state-123456789012/env:/staging/*.tflock"
    }
    error_message = "it reads the states, and writes locks only"
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.plan["this"].policy).Statement : s.Condition if s.Sid == "ReadParameters"]) == { StringEquals = { "aws:ResourceTag/holds" = "parameters" } }
    error_message = "and of secrets only those that say they hold none"
  }

  assert {
    condition     = length(aws_iam_role_policy.plan["this"].policy) < 10240
    error_message = "as long as AWS allows"
  }
}

run "an_apply_stays_below_ci" {
  command = plan

  variables {
    ci = { repository = "example-org/proving-ground" }
  }

  assert {
    condition     = alltrue([for s in jsondecode(aws_iam_role_policy.apply["this"].policy).Statement : !contains(flatten([s.Action]), "*")])
    error_message = "nothing is allowed of all services"
  }

  assert {
    condition = [
      for s in jsondecode(aws_iam_role_policy.apply["this"].policy).Statement : s.Sid
      if s.Effect == "Allow" && length([for action in flatten([s.Action]) : action if endswith(action, ":*")]) > 0
    ] == ["ManageThePlatformsServices"]
    error_message = "whole services in one statement only"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.apply["this"].policy).Statement[0].Condition.StringEquals["aws:RequestedRegion"] == ["eu-central-1", "us-east-1"]
    error_message = "which is bound to two regions"
  }

  assert {
    condition = length(setintersection(
      toset(jsondecode(aws_iam_role_policy.apply["this"].policy).Statement[0].Action),
      toset(["account:*", "aws-portal:*", "cloudtrail:*", "config:*", "guardduty:*", "iam:*", "organizations:*", "sso:*", "sts:*", "ssm:*"]),
    )) == 0
    error_message = "not what stands above the platform"
  }

  assert {
    condition = length([
      for action in flatten([for s in jsondecode(aws_iam_role_policy.apply["this"].policy).Statement : s.Action if s.Effect == "Allow"]) : action
      if can(regex("iam:.*(CreateAccessKey|Group|LoginProfile|AccountAlias|PasswordPolicy|SAML|\\*)", action)) && !contains(["iam:Get*", "iam:List*"], action)
    ]) == 0
    error_message = "no keys, no passwords, no groups"
  }

  assert {
    condition = one([
      for s in jsondecode(aws_iam_role_policy.apply["this"].policy).Statement : s.Resource
      if s.Effect == "Allow" && length([for action in flatten([s.Action]) : action if can(regex("iam:.*(User|AccessKey)", action))]) > 0
    ]) == "arn:aws:iam::123456789012:user/evalai/*"
    error_message = "no user but EvalAI's"
  }

  assert {
    condition = {
      for s in jsondecode(aws_iam_role_policy.apply["this"].policy).Statement : s.Sid => s.Resource if s.Effect == "Deny"
      } == {
      CiIsOutOfReach              = ["arn:aws:iam::123456789012:role/staging-ci-*", "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"]
      BecomeNobodyElse            = "*"
      StatesBucketStaysAsItIs     = "arn:aws:s3:::staging-terraform-state-123456789012"
      BootstrapsStateIsOutOfReach = "arn:aws:s3:::staging-terraform-state-123456789012/bootstrap.tfstate*"
      StatesKeyStaysAsItIs        = "arn:aws:kms:eu-central-1:123456789012:key/one"
      NothingIsErasedForGood      = "*"
    }
    error_message = "and six things that it may never do"
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.apply["this"].policy).Statement : s.Condition.StringEquals["iam:PassedToService"] if s.Sid == "HandRolesToServices"]) != null
    error_message = "roles are handed to services that are named"
  }

  assert {
    condition     = length(aws_iam_role_policy.apply["this"].policy) < 10240
    error_message = "as long as AWS allows"
  }
}

run "an_apply_at_home_in_virginia" {
  command = plan

  variables {
    region = "us-east-1"
    ci     = { repository = "example-org/proving-ground" }
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.apply["this"].policy).Statement[0].Condition.StringEquals["aws:RequestedRegion"] == ["us-east-1"]
    error_message = "one region, said once"
  }
}

run "refuses_another_account" {
  command = plan
  variables {
    account_id = "210987654321"
  }
  expect_failures = [data.aws_caller_identity.current]
}

run "refuses_short_account_id" {
  command = plan
  variables {
    account_id = "12345"
  }
  expect_failures = [var.account_id]
}

run "refuses_local" {
  command = plan
  variables {
    environment = "local"
  }
  expect_failures = [var.environment]
}

run "refuses_bad_region" {
  command = plan
  variables {
    region = "Frankfurt"
  }
  expect_failures = [var.region]
}

run "refuses_hasty_end_of_versions" {
  command = plan
  variables {
    old_versions_days = 7
  }
  expect_failures = [var.old_versions_days]
}

run "refuses_repository_without_owner" {
  command = plan
  variables {
    ci = { repository = "proving-ground" }
  }
  expect_failures = [var.ci]
}

run "refuses_any_repository" {
  command = plan
  variables {
    ci = { repository = "example-org/*" }
  }
  expect_failures = [var.ci]
}

run "refuses_any_branch" {
  command = plan
  variables {
    ci = { repository = "example-org/proving-ground", branch = "*" }
  }
  expect_failures = [var.ci]
}

run "refuses_another_identity_provider" {
  command = plan
  variables {
    ci = { repository = "example-org/proving-ground", oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/example.org" }
  }
  expect_failures = [var.ci]
}
