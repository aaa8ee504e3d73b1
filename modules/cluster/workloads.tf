locals {
  # What kubernetes/ runs in every cluster, and what that may do in AWS.
  _own_workloads = {
    cluster-autoscaler = {
      namespace       = "platform"
      service_account = "cluster-autoscaler"
      statements = {
        # These know no resources to name.
        look_around = {
          actions = [
            "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeLaunchConfigurations",
            "autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags", "ec2:DescribeImages", "ec2:DescribeInstanceTypes",
            "ec2:DescribeLaunchTemplateVersions", "ec2:GetInstanceTypesFromInstanceRequirements",
          ]
          resources = ["*"]
        }
        read_node_groups = { actions = ["eks:DescribeNodegroup"], resources = ["${local._arn_prefix}:nodegroup/${var.name}/*"] }
        scale_own_groups = {
          actions   = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
          resources = ["arn:${local._partition}:autoscaling:${local._region}:${local._account_id}:autoScalingGroup:*:autoScalingGroupName/eks-*"]
          condition = { StringEquals = { "aws:ResourceTag/k8s.io/cluster-autoscaler/${var.name}" = ["owned"] } }
        }
      }
    }
    fluent-bit = {
      namespace       = "platform-nodes"
      service_account = "fluent-bit"
      statements = { write_logs = {
        actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        resources = concat(
          [for key in ["jobs", "platform"] : "${aws_cloudwatch_log_group.this[key].arn}:*"],
          [for arn in var.logs.further_group_arns : "${arn}:*"],
        )
      } }
    }
  }
}

module "workloads" {
  source   = "../workload"
  for_each = merge(var.workloads, local._own_workloads)

  name              = "${var.name}-${each.key}"
  cluster_name      = aws_eks_cluster.this.name
  service_account   = { namespace = each.value.namespace, name = each.value.service_account }
  policy_statements = each.value.statements
}
