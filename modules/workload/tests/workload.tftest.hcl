# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/local-shipper" }
  }
}

variables {
  name            = "local-shipper"
  cluster_name    = "local"
  service_account = { namespace = "platform", name = "shipper" }

  policy_statements = {
    read_results = { actions = ["s3:GetObject"], resources = ["arn:aws:s3:::results/*"], condition = { Bool = { "aws:SecureTransport" = ["true"] } } }
    list_results = { actions = ["s3:ListBucket"], resources = ["arn:aws:s3:::results"] }
  }
}

run "the_service_account_gets_the_role" {
  command = plan

  assert {
    condition     = aws_eks_pod_identity_association.this.namespace == "platform" && aws_eks_pod_identity_association.this.service_account == "shipper" && aws_eks_pod_identity_association.this.role_arn == "arn:aws:iam::000000000000:role/local-shipper"
    error_message = "this one and no other"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal.Service == "pods.eks.amazonaws.com" && jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition == { ArnEquals = { "aws:SourceArn" = "arn:aws:eks:eu-central-1:000000000000:cluster/local" }, StringEquals = { "aws:SourceAccount" = "000000000000" } }
    error_message = "in this cluster only"
  }

  assert {
    condition     = { for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Sid => try(statement.Condition, null) } == { ListResults = null, ReadResults = { Bool = { "aws:SecureTransport" = ["true"] } } }
    error_message = "and may do what is written"
  }

  assert {
    condition     = output.role.name == "local-shipper"
    error_message = "the role is put out"
  }
}

run "a_wrong_name_is_refused" {
  command = plan

  variables {
    name = "the shipper"
  }

  expect_failures = [var.name]
}

run "nothing_to_do_is_refused" {
  command = plan

  variables {
    policy_statements = {}
  }

  expect_failures = [var.policy_statements]
}

run "patterns_of_actions_are_refused" {
  command = plan

  variables {
    policy_statements = { all = { actions = ["s3:*"], resources = ["*"] } }
  }

  expect_failures = [var.policy_statements]
}

run "a_statement_without_resources_is_refused" {
  command = plan

  variables {
    policy_statements = { read = { actions = ["s3:GetObject"], resources = [] } }
  }

  expect_failures = [var.policy_statements]
}

run "a_wrong_service_account_is_refused" {
  command = plan

  variables {
    service_account = { namespace = "platform", name = "Shipper" }
  }

  expect_failures = [var.service_account]
}

run "strangers_get_no_identity" {
  command = plan

  variables {
    service_account = { namespace = "jobs", name = "shipper" }
  }

  expect_failures = [var.service_account]
}
