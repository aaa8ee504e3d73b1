# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_default_tags" {
    defaults = { tags = { environment = "local" } }
  }

  mock_resource "aws_eks_node_group" {
    defaults = { resources = [{ autoscaling_groups = [{ name = "eks-example" }], remote_access_security_group_id = "" }] }
  }

  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0a1b2c3d4e5f60001", latest_version = 1 }
  }
}

variables {
  cluster    = { name = "local", version = "1.36" }
  subnet_ids = ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"]

  groups = {
    system = { instance_types = ["t3.medium"], min = 1, max = 3, labels = { purpose = "system" } }
    gpu    = { instance_types = ["g4dn.xlarge", "g5.xlarge"], capacity = "spot", gpus = 1, max = 4, disk_gib = 200 }
  }
}

run "a_group_of_gpus_starts_from_nothing" {
  command = plan

  assert {
    condition     = aws_eks_node_group.this["gpu"].scaling_config[0].min_size == 0 && aws_eks_node_group.this["gpu"].scaling_config[0].desired_size == 0 && aws_eks_node_group.this["gpu"].scaling_config[0].max_size == 4
    error_message = "none while nobody asks"
  }

  assert {
    condition     = aws_eks_node_group.this["gpu"].ami_type == "AL2023_x86_64_NVIDIA" && aws_eks_node_group.this["gpu"].capacity_type == "SPOT" && aws_eks_node_group.this["gpu"].instance_types == tolist(["g4dn.xlarge", "g5.xlarge"])
    error_message = "NVIDIA's image, Spot, several types"
  }

  assert {
    condition     = [for taint in aws_eks_node_group.this["gpu"].taint : "${taint.key}=${taint.value}:${taint.effect}"] == ["nvidia.com/gpu=present:NO_SCHEDULE"]
    error_message = "kept for those who ask for GPUs"
  }

  assert {
    condition     = aws_eks_node_group.this["gpu"].labels == tomap({ purpose = "gpu", "k8s.amazonaws.com/accelerator" = "nvidia" })
    error_message = "known by labels"
  }

  assert {
    condition = { for key, tag in aws_autoscaling_group_tag.this : tag.tag[0].key => tag.tag[0].value if startswith(key, "gpu ") } == {
      "k8s.io/cluster-autoscaler/enabled"                                           = "true"
      "k8s.io/cluster-autoscaler/local"                                             = "owned"
      "k8s.io/cluster-autoscaler/node-template/label/k8s.amazonaws.com/accelerator" = "nvidia"
      "k8s.io/cluster-autoscaler/node-template/label/purpose"                       = "gpu"
      "k8s.io/cluster-autoscaler/node-template/resources/nvidia.com/gpu"            = "1"
      "k8s.io/cluster-autoscaler/node-template/taint/nvidia.com/gpu"                = "present:NoSchedule"
    }
    error_message = "the autoscaler is told what a node would be like"
  }

  assert {
    condition     = alltrue([for tag in aws_autoscaling_group_tag.this : tag.autoscaling_group_name == "eks-example" && !tag.tag[0].propagate_at_launch])
    error_message = "by tags of the Auto Scaling group itself"
  }

  assert {
    condition     = output.node_groups["gpu"].gpus == 1 && output.node_groups["gpu"].autoscaling_group_name == "eks-example" && output.node_groups["gpu"].capacity == "spot"
    error_message = "checks find all that there is to compare"
  }
}

run "other_nodes_have_no_gpu" {
  command = plan

  assert {
    condition     = aws_eks_node_group.this["system"].ami_type == "AL2023_x86_64_STANDARD" && aws_eks_node_group.this["system"].capacity_type == "ON_DEMAND" && length(aws_eks_node_group.this["system"].taint) == 0
    error_message = "plain nodes, which anything may run on"
  }

  assert {
    condition     = toset([for key, tag in aws_autoscaling_group_tag.this : tag.tag[0].key if startswith(key, "system ")]) == toset(["k8s.io/cluster-autoscaler/enabled", "k8s.io/cluster-autoscaler/local", "k8s.io/cluster-autoscaler/node-template/label/purpose"])
    error_message = "and the tags say so"
  }

  assert {
    condition     = aws_eks_node_group.this["system"].scaling_config[0].desired_size == 1 && aws_eks_node_group.this["system"].update_config[0].max_unavailable == 1
    error_message = "begins with its minimum, is updated one node at a time"
  }
}

run "nodes_keep_their_role_and_their_disks_to_themselves" {
  command = plan

  assert {
    condition     = alltrue([for template in aws_launch_template.this : template.metadata_options[0].http_tokens == "required" && template.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "metadata with a token, one hop far"
  }

  assert {
    condition     = alltrue([for template in aws_launch_template.this : tobool(template.block_device_mappings[0].ebs[0].encrypted) && template.block_device_mappings[0].ebs[0].volume_type == "gp3"])
    error_message = "encrypted disks"
  }

  assert {
    condition     = aws_launch_template.this["gpu"].block_device_mappings[0].ebs[0].volume_size == 200 && aws_launch_template.this["system"].block_device_mappings[0].ebs[0].volume_size == 50
    error_message = "as large as asked"
  }

  assert {
    condition     = alltrue(flatten([for template in aws_launch_template.this : [for tags in template.tag_specifications : tags.tags["environment"] == "local"]]))
    error_message = "what a template makes carries the environment's tags"
  }

  assert {
    condition     = length(aws_iam_role_policy_attachment.this) == 3 && aws_iam_role.this.name == "local-nodes"
    error_message = "one role, three policies of AWS"
  }
}

run "a_group_can_have_its_own_labels_taints_and_subnets" {
  command = plan

  variables {
    groups = {
      gpu = {
        instance_types = ["g5.xlarge"], gpus = 1, max = 1, subnet_ids = ["subnet-0a1b2c3d4e5f60002"]
        labels         = { team = "research" }
        taints         = { "example.com/slow" = { effect = "PreferNoSchedule" } }
      }
    }
  }

  assert {
    condition     = aws_eks_node_group.this["gpu"].subnet_ids == toset(["subnet-0a1b2c3d4e5f60002"])
    error_message = "only where it is told to stand"
  }

  assert {
    condition     = aws_autoscaling_group_tag.this["gpu k8s.io/cluster-autoscaler/node-template/label/team"].tag[0].value == "research" && aws_autoscaling_group_tag.this["gpu k8s.io/cluster-autoscaler/node-template/taint/example.com/slow"].tag[0].value == ":PreferNoSchedule"
    error_message = "and the autoscaler knows"
  }

  assert {
    condition     = length(aws_eks_node_group.this["gpu"].taint) == 2 && length(aws_eks_node_group.this["gpu"].labels) == 3
    error_message = "beside those every group of GPUs has"
  }
}

run "what_cannot_be_changed_is_in_the_name" {
  command = plan

  variables {
    groups = {
      one   = { instance_types = ["g5.xlarge"], gpus = 1, max = 1 }
      more  = { instance_types = ["g5.xlarge"], gpus = 1, max = 2, labels = { team = "research" } }
      other = { instance_types = ["g6.xlarge"], gpus = 1, max = 1 }
    }
  }

  assert {
    condition     = trimprefix(aws_eks_node_group.this["one"].node_group_name, "one-") == trimprefix(aws_eks_node_group.this["more"].node_group_name, "more-")
    error_message = "sizes and labels change in place"
  }

  assert {
    condition     = trimprefix(aws_eks_node_group.this["one"].node_group_name, "one-") != trimprefix(aws_eks_node_group.this["other"].node_group_name, "other-")
    error_message = "types do not: the new group needs another name"
  }
}

run "a_wrong_cluster_name_is_refused" {
  command = plan

  variables {
    cluster = { name = "a cluster", version = "1.36" }
  }

  expect_failures = [var.cluster]
}

run "a_wrong_version_is_refused" {
  command = plan

  variables {
    cluster = { name = "local", version = "1.36.1" }
  }

  expect_failures = [var.cluster]
}

run "a_wrong_group_name_is_refused" {
  command = plan

  variables {
    groups = { GPU = { instance_types = ["g5.xlarge"], max = 1 } }
  }

  expect_failures = [var.groups]
}

run "a_group_without_types_is_refused" {
  command = plan

  variables {
    groups = { gpu = { instance_types = [], max = 1 } }
  }

  expect_failures = [var.groups]
}

run "an_unknown_capacity_is_refused" {
  command = plan

  variables {
    groups = { gpu = { instance_types = ["g5.xlarge"], max = 1, capacity = "SPOT" } }
  }

  expect_failures = [var.groups]
}

run "a_minimum_above_the_maximum_is_refused" {
  command = plan

  variables {
    groups = { gpu = { instance_types = ["g5.xlarge"], min = 2, max = 1 } }
  }

  expect_failures = [var.groups]
}

run "too_many_gpus_are_refused" {
  command = plan

  variables {
    groups = { gpu = { instance_types = ["g5.xlarge"], max = 1, gpus = 17 } }
  }

  expect_failures = [var.groups]
}

run "a_tiny_disk_is_refused" {
  command = plan

  variables {
    groups = { gpu = { instance_types = ["g5.xlarge"], max = 1, disk_gib = 8 } }
  }

  expect_failures = [var.groups]
}

run "labels_of_kubernetes_are_refused" {
  command = plan

  variables {
    groups = { gpu = { instance_types = ["g5.xlarge"], max = 1, labels = { "node-role.kubernetes.io/gpu" = "yes" } } }
  }

  expect_failures = [var.groups]
}

run "an_unknown_effect_is_refused" {
  command = plan

  variables {
    groups = { gpu = { instance_types = ["g5.xlarge"], max = 1, taints = { slow = { effect = "NO_SCHEDULE" } } } }
  }

  expect_failures = [var.groups]
}

run "no_subnet_is_refused" {
  command = plan

  variables {
    subnet_ids = []
  }

  expect_failures = [var.subnet_ids]
}
