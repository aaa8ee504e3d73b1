# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_data "aws_default_tags" {
    defaults = { tags = { Project = "proving-ground" } }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/a-role" }
  }

  mock_resource "aws_iam_instance_profile" {
    defaults = { arn = "arn:aws:iam::123456789012:instance-profile/a-profile" }
  }

  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0123456789abcdef0", latest_version = 3 }
  }

  mock_resource "aws_batch_compute_environment" {
    defaults = { arn = "arn:aws:batch:eu-central-1:123456789012:compute-environment/one" }
  }
}

variables {
  name          = "staging-jobs-one"
  network       = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"], security_group_id = "sg-1" }
  log_group_arn = "arn:aws:logs:eu-central-1:123456789012:log-group:jobs"
  compute       = { kind = "gpu-spot", max_vcpus = 64, instance_types = ["g5.xlarge", "g4dn.xlarge"] }
}

run "gpus_on_spot" {
  command = plan

  assert {
    condition     = aws_batch_compute_environment.this.compute_resources[0].type == "SPOT" && aws_batch_compute_environment.this.compute_resources[0].allocation_strategy == "SPOT_PRICE_CAPACITY_OPTIMIZED"
    error_message = "Spot by price and capacity"
  }

  assert {
    condition     = aws_batch_compute_environment.this.compute_resources[0].min_vcpus == 0 && aws_batch_compute_environment.this.compute_resources[0].max_vcpus == 64
    error_message = "nothing runs while no job does"
  }

  assert {
    condition     = aws_batch_compute_environment.this.compute_resources[0].launch_template[0].version == "3" && aws_batch_compute_environment.this.compute_resources[0].ec2_configuration[0].image_type == "ECS_AL2023_NVIDIA"
    error_message = "a new version of the template reaches the environment"
  }

  assert {
    condition     = aws_batch_compute_environment.this.update_policy[0].terminate_jobs_on_update == false && aws_batch_compute_environment.this.update_policy[0].job_execution_timeout_minutes == 60
    error_message = "jobs may end before their instance is exchanged"
  }

  assert {
    condition     = aws_launch_template.this["this"].metadata_options[0].http_tokens == "required" && aws_launch_template.this["this"].metadata_options[0].http_put_response_hop_limit == 1
    error_message = "no job reaches the instance's credentials"
  }

  assert {
    condition     = aws_launch_template.this["this"].block_device_mappings[0].ebs[0].encrypted == "true" && aws_launch_template.this["this"].block_device_mappings[0].ebs[0].volume_size == 100
    error_message = "disks are encrypted"
  }

  assert {
    condition     = alltrue([for tags in aws_launch_template.this["this"].tag_specifications : tags.tags == tomap({ Name = "staging-jobs-one", Project = "proving-ground" })])
    error_message = "what Batch launches carries our tags"
  }

  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_role_policy.this["this"].policy).Statement :
      statement.Resource != ["*"] || statement.Action == ["ecs:DiscoverPollEndpoint"]
    ])
    error_message = "instances have rights on named resources only, but for the one call that knows none"
  }

  assert {
    condition     = output.compute_environment.arn == "arn:aws:batch:eu-central-1:123456789012:compute-environment/one" && startswith(output.compute_environment.name, "staging-jobs-one-")
    error_message = "name and ARN"
  }
}

run "gpus_on_demand" {
  command = plan

  variables {
    compute = { kind = "gpu-on-demand", max_vcpus = 16, instance_types = ["g5.xlarge"], disk_gib = 200, disk_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/one", update_patience_minutes = 5 }
  }

  assert {
    condition     = aws_batch_compute_environment.this.compute_resources[0].type == "EC2" && aws_batch_compute_environment.this.compute_resources[0].allocation_strategy == "BEST_FIT_PROGRESSIVE"
    error_message = "a strategy that can be updated in place"
  }

  assert {
    condition     = aws_launch_template.this["this"].block_device_mappings[0].ebs[0].kms_key_id == "arn:aws:kms:eu-central-1:123456789012:key/one"
    error_message = "a key of one's own"
  }

  assert {
    condition     = aws_batch_compute_environment.this.update_policy[0].job_execution_timeout_minutes == 5
    error_message = "as patient as wanted"
  }

  assert {
    condition     = local.name != run.gpus_on_spot.compute_environment.name
    error_message = "another kind is another environment, so it needs another name"
  }
}

run "more_vcpus_are_the_same_environment" {
  command = plan

  variables {
    compute = { kind = "gpu-spot", max_vcpus = 128, instance_types = ["p4d.24xlarge"], disk_gib = 500 }
  }

  assert {
    condition     = local.name == run.gpus_on_spot.compute_environment.name
    error_message = "what can be changed in place leaves the name alone"
  }
}

run "another_network_is_another_environment" {
  command = plan

  variables {
    network = { vpc_id = "vpc-2", subnet_ids = ["subnet-3"], security_group_id = "sg-2" }
  }

  assert {
    condition     = local.name != run.gpus_on_spot.compute_environment.name
    error_message = "its name changes with the network"
  }
}

run "fargate" {
  command = plan

  variables {
    compute = { kind = "fargate-spot", max_vcpus = 16 }
  }

  assert {
    condition     = aws_batch_compute_environment.this.compute_resources[0].type == "FARGATE_SPOT" && aws_batch_compute_environment.this.compute_resources[0].min_vcpus == null && length(aws_batch_compute_environment.this.update_policy) == 0
    error_message = "Fargate chooses by itself"
  }

  assert {
    condition     = length(aws_launch_template.this) + length(aws_iam_role.this) + length(aws_iam_instance_profile.this) == 0
    error_message = "and has no instances"
  }
}

run "refuses_unknown_kind" {
  command = plan
  variables {
    compute = { kind = "quantum", max_vcpus = 1 }
  }
  expect_failures = [var.compute]
}

run "refuses_gpus_without_types" {
  command = plan
  variables {
    compute = { kind = "gpu-spot", max_vcpus = 1 }
  }
  expect_failures = [var.compute]
}

run "refuses_fargate_with_types" {
  command = plan
  variables {
    compute = { kind = "fargate", max_vcpus = 1, instance_types = ["g5.xlarge"] }
  }
  expect_failures = [var.compute]
}

run "refuses_no_vcpus" {
  command = plan
  variables {
    compute = { kind = "fargate", max_vcpus = 0 }
  }
  expect_failures = [var.compute]
}

run "refuses_small_disk" {
  command = plan
  variables {
    compute = { kind = "gpu-spot", max_vcpus = 1, instance_types = ["g5.xlarge"], disk_gib = 30 }
  }
  expect_failures = [var.compute]
}

run "refuses_image_without_drivers" {
  command = plan
  variables {
    compute = { kind = "gpu-spot", max_vcpus = 1, instance_types = ["g5.xlarge"], image_type = "ECS_AL2023" }
  }
  expect_failures = [var.compute]
}

run "refuses_endless_patience" {
  command = plan
  variables {
    compute = { kind = "gpu-spot", max_vcpus = 1, instance_types = ["g5.xlarge"], update_patience_minutes = 361 }
  }
  expect_failures = [var.compute]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "Staging"
  }
  expect_failures = [var.name]
}

run "refuses_no_subnet" {
  command = plan
  variables {
    network = { vpc_id = "vpc-1", subnet_ids = [], security_group_id = "sg-1" }
  }
  expect_failures = [var.network]
}
