# Applied, for what is compared is what runs with what is wanted.
mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_default_tags" {
    defaults = { tags = {} }
  }

  mock_resource "aws_eks_node_group" {
    defaults = { resources = [{ autoscaling_groups = [{ name = "eks-example" }], remote_access_security_group_id = "" }] }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/local-nodes" }
  }

  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0a1b2c3d4e5f60001", latest_version = 1 }
  }
}

variables {
  cluster    = { name = "local", version = "1.36" }
  subnet_ids = ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"]
  groups     = { system = { instance_types = ["t3.medium"], min = 1, max = 3 } }
}

run "one_node_runs" {
  command = apply

  assert {
    condition     = aws_eks_node_group.this["system"].scaling_config[0].desired_size == 1
    error_message = "the minimum"
  }
}

run "a_larger_maximum_changes_nothing_that_runs" {
  command = plan

  variables {
    groups = { system = { instance_types = ["t3.medium"], min = 1, max = 5 } }
  }

  assert {
    condition     = aws_eks_node_group.this["system"].scaling_config[0].desired_size == 1 && aws_eks_node_group.this["system"].scaling_config[0].max_size == 5
    error_message = "the autoscaler decides"
  }
}

run "a_minimum_above_what_runs_is_refused_before_eks_does" {
  command = plan

  variables {
    groups = { system = { instance_types = ["t3.medium"], min = 2, max = 3 } }
  }

  expect_failures = [aws_eks_node_group.this]
}
