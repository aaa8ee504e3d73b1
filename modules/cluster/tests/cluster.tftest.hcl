# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_default_tags" {
    defaults = { tags = {} }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:example" }
  }

  mock_resource "aws_eks_cluster" {
    defaults = {
      arn                   = "arn:aws:eks:eu-central-1:000000000000:cluster/local"
      endpoint              = "https://example.eks.amazonaws.com"
      certificate_authority = [{ data = "ZXhhbXBsZQ==" }]
    }
  }

  mock_resource "aws_eks_node_group" {
    defaults = { resources = [{ autoscaling_groups = [{ name = "eks-example" }], remote_access_security_group_id = "" }] }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/example" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:000000000000:key/example" }
  }

  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0a1b2c3d4e5f60001", latest_version = 1 }
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

run "closed_unless_opened" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_private_access && !aws_eks_cluster.this.vpc_config[0].endpoint_public_access
    error_message = "reached from within only"
  }

  assert {
    condition     = aws_eks_cluster.this.access_config[0].authentication_mode == "API" && !aws_eks_cluster.this.access_config[0].bootstrap_cluster_creator_admin_permissions
    error_message = "by access entries, and nobody has one by accident"
  }

  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"]) && aws_eks_cluster.this.encryption_config[0].provider[0].key_arn == "arn:aws:kms:eu-central-1:000000000000:key/example" && aws_kms_key.this.enable_key_rotation
    error_message = "secrets under a key of its own"
  }

  assert {
    condition     = aws_kms_key.this.deletion_window_in_days == 30
    error_message = "a key is kept for a month"
  }

  assert {
    condition     = aws_eks_cluster.this.upgrade_policy[0].support_type == "STANDARD" && !aws_eks_cluster.this.bootstrap_self_managed_addons
    error_message = "no extended support unasked, no add-ons but ours"
  }
}

run "everything_is_logged_and_kept_for_a_time" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.enabled_cluster_log_types == toset(["api", "audit", "authenticator", "controllerManager", "scheduler"])
    error_message = "all five kinds"
  }

  assert {
    condition     = output.log_group_names == { control-plane = "/aws/eks/local/cluster", jobs = "/aws/eks/local/jobs", platform = "/aws/eks/local/platform" }
    error_message = "by names that say whose they are"
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.retention_in_days == 30 && group.kms_key_id == "arn:aws:kms:eu-central-1:000000000000:key/example"])
    error_message = "kept 30 days, encrypted"
  }
}

run "addons_come_before_or_after_nodes" {
  command = plan

  assert {
    condition     = toset(keys(aws_eks_addon.before_nodes)) == toset(["eks-pod-identity-agent", "kube-proxy", "vpc-cni"]) && keys(aws_eks_addon.on_nodes) == ["coredns"]
    error_message = "network first"
  }

  assert {
    condition     = jsondecode(aws_eks_addon.before_nodes["vpc-cni"].configuration_values) == { enableNetworkPolicy = "true" }
    error_message = "network policies are kept to"
  }

  assert {
    condition     = aws_eks_addon.before_nodes["kube-proxy"].addon_version == "v1.36.0-eksbuild.21"
    error_message = "pinned"
  }
}

run "the_clusters_own_workloads_may_do_little" {
  command = plan

  assert {
    condition     = toset(keys(output.workload_role_arns)) == toset(["cluster-autoscaler", "fluent-bit"])
    error_message = "two, which kubernetes/ runs"
  }

  assert {
    condition     = local._own_workloads.cluster-autoscaler.statements.scale_own_groups.condition == { StringEquals = { "aws:ResourceTag/k8s.io/cluster-autoscaler/local" = ["owned"] } }
    error_message = "the autoscaler scales groups of this cluster only"
  }

  assert {
    condition     = !contains(local._own_workloads.fluent-bit.statements.write_logs.actions, "logs:CreateLogGroup") && length(local._own_workloads.fluent-bit.statements.write_logs.resources) == 2
    error_message = "Fluent Bit writes to groups that are there"
  }
}

run "small_without_being_told" {
  command = plan

  assert {
    condition     = keys(output.node_groups) == ["system"] && output.node_groups["system"].min == 2 && output.node_groups["system"].labels == tomap({ purpose = "system" })
    error_message = "system nodes only"
  }

  assert {
    condition     = output.cluster.name == "local" && output.cluster.certificate_authority == "ZXhhbXBsZQ==" && output.cluster.version == "1.36"
    error_message = "and says how to reach it"
  }
}

run "each_part_can_be_asked_for" {
  command = plan

  variables {
    is_temporary    = true
    kubernetes      = { version = "1.36", public_access_ranges = ["203.0.113.7/32"], support = "extended" }
    gpu_node_groups = { gpu-spot = { instance_types = ["g5.xlarge"], capacity = "spot", max = 4 } }
    system_nodes    = { min = 1, max = 2, instance_types = ["t3.small"] }
    logs            = { retention_days = 7, further_group_arns = ["arn:aws:logs:eu-central-1:000000000000:log-group:leaderboard-10"] }

    access = {
      operators   = { principal_arn = "arn:aws:iam::000000000000:role/operators", policy = "cluster-admin" }
      researchers = { principal_arn = "arn:aws:iam::000000000000:role/researchers", policy = "view", namespaces = ["jobs"] }
    }

    workloads = {
      shipper = { namespace = "shipping", service_account = "shipper", statements = { read = { actions = ["s3:GetObject"], resources = ["arn:aws:s3:::results/*"] } } }
    }
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["203.0.113.7/32"])
    error_message = "open to those named"
  }

  assert {
    condition     = aws_eks_cluster.this.upgrade_policy[0].support_type == "EXTENDED" && aws_kms_key.this.deletion_window_in_days == 7
    error_message = "as asked"
  }

  assert {
    condition     = aws_eks_access_policy_association.this["researchers"].access_scope[0].type == "namespace" && aws_eks_access_policy_association.this["researchers"].access_scope[0].namespaces == toset(["jobs"]) && endswith(aws_eks_access_policy_association.this["researchers"].policy_arn, "AmazonEKSViewPolicy")
    error_message = "looking only, there only"
  }

  assert {
    condition     = aws_eks_access_policy_association.this["operators"].access_scope[0].type == "cluster" && endswith(aws_eks_access_policy_association.this["operators"].policy_arn, "AmazonEKSClusterAdminPolicy")
    error_message = "everything, everywhere"
  }

  assert {
    condition     = output.node_groups["gpu-spot"].min == 0 && output.node_groups["gpu-spot"].gpus == 1 && output.node_groups["system"].max == 2
    error_message = "GPUs from nothing, beside the system's nodes"
  }

  assert {
    condition     = contains(keys(output.workload_role_arns), "shipper") && length(local._own_workloads.fluent-bit.statements.write_logs.resources) == 3 && aws_cloudwatch_log_group.this["jobs"].retention_in_days == 7
    error_message = "further workloads and logs"
  }
}
