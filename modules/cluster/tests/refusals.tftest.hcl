# Each rule, broken.
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
}

variables {
  name       = "local"
  network    = { vpc_id = "vpc-0a1b2c3d4e5f60001", subnet_ids = ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"] }
  kubernetes = { version = "1.36" }
  access     = { operators = { principal_arn = "arn:aws:iam::000000000000:role/operators", policy = "cluster-admin" } }

  addons = {
    coredns                = "v1.14.3-eksbuild.16"
    eks-pod-identity-agent = "v1.3.10-eksbuild.3"
    kube-proxy             = "v1.36.0-eksbuild.21"
    vpc-cni                = "v1.22.4-eksbuild.3"
  }
}

run "an_unknown_policy_is_refused" {
  command = plan

  variables {
    access = { operators = { principal_arn = "arn:aws:iam::000000000000:role/operators", policy = "cluster-admin" }, others = { principal_arn = "arn:aws:iam::000000000000:role/others", policy = "root" } }
  }

  expect_failures = [var.access]
}

run "a_cluster_without_administrator_is_refused" {
  command = plan

  variables {
    access = { others = { principal_arn = "arn:aws:iam::000000000000:role/others", policy = "view" } }
  }

  expect_failures = [var.access]
}

run "half_an_arn_is_refused" {
  command = plan

  variables {
    access = { operators = { principal_arn = "operators", policy = "cluster-admin" } }
  }

  expect_failures = [var.access]
}

run "a_principal_named_twice_is_refused" {
  command = plan

  variables {
    access = { one = { principal_arn = "arn:aws:iam::000000000000:role/operators", policy = "cluster-admin" }, two = { principal_arn = "arn:aws:iam::000000000000:role/operators", policy = "view" } }
  }

  expect_failures = [var.access]
}

run "a_cluster_admin_of_a_namespace_is_refused" {
  command = plan

  variables {
    access = { operators = { principal_arn = "arn:aws:iam::000000000000:role/operators", policy = "cluster-admin", namespaces = ["jobs"] } }
  }

  expect_failures = [var.access]
}

run "a_missing_addon_is_refused" {
  command = plan

  variables {
    addons = { coredns = "v1.14.3-eksbuild.16" }
  }

  expect_failures = [var.addons]
}

run "half_a_version_of_an_addon_is_refused" {
  command = plan

  variables {
    addons = { coredns = "v1.14.3", eks-pod-identity-agent = "v1.3.10-eksbuild.3", kube-proxy = "v1.36.0-eksbuild.21", vpc-cni = "v1.22.4-eksbuild.3" }
  }

  expect_failures = [var.addons]
}

run "a_kube_proxy_of_another_version_is_refused" {
  command = plan

  variables {
    addons = { coredns = "v1.14.3-eksbuild.16", eks-pod-identity-agent = "v1.3.10-eksbuild.3", kube-proxy = "v1.35.0-eksbuild.2", vpc-cni = "v1.22.4-eksbuild.3" }
  }

  expect_failures = [var.addons]
}

run "a_second_system_group_is_refused" {
  command = plan

  variables {
    gpu_node_groups = { system = { instance_types = ["g5.xlarge"], capacity = "spot", max = 1 } }
  }

  expect_failures = [var.gpu_node_groups]
}

run "a_gpu_group_without_gpu_is_refused" {
  command = plan

  variables {
    gpu_node_groups = { gpu = { instance_types = ["g5.xlarge"], capacity = "spot", max = 1, gpus = 0 } }
  }

  expect_failures = [var.gpu_node_groups]
}

run "a_patch_version_is_refused" {
  command = plan

  variables {
    kubernetes = { version = "1.36.1" }
  }

  expect_failures = [var.kubernetes]
}

run "an_api_open_to_everybody_is_refused" {
  command = plan

  variables {
    kubernetes = { version = "1.36", public_access_ranges = ["0.0.0.0/0"] }
  }

  expect_failures = [var.kubernetes]
}

run "an_unknown_support_is_refused" {
  command = plan

  variables {
    kubernetes = { version = "1.36", support = "forever" }
  }

  expect_failures = [var.kubernetes]
}

run "an_unknown_retention_is_refused" {
  command = plan

  variables {
    logs = { retention_days = 31 }
  }

  expect_failures = [var.logs]
}

run "half_an_arn_of_a_log_group_is_refused" {
  command = plan

  variables {
    logs = { further_group_arns = ["leaderboard-10"] }
  }

  expect_failures = [var.logs]
}

run "a_long_name_is_refused" {
  command = plan

  variables {
    name = "a-name-that-leaves-no-room-for-the-names-of-its-roles"
  }

  expect_failures = [var.name]
}

run "one_zone_is_refused" {
  command = plan

  variables {
    network = { vpc_id = "vpc-0a1b2c3d4e5f60001", subnet_ids = ["subnet-0a1b2c3d4e5f60001"] }
  }

  expect_failures = [var.network]
}

run "no_system_node_is_refused" {
  command = plan

  variables {
    system_nodes = { min = 0 }
  }

  expect_failures = [var.system_nodes]
}

run "a_taken_name_of_a_workload_is_refused" {
  command = plan

  variables {
    workloads = { fluent-bit = { namespace = "platform", service_account = "other", statements = { read = { actions = ["s3:GetObject"], resources = ["*"] } } } }
  }

  expect_failures = [var.workloads]
}
