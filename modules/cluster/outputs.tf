output "cluster" {
  description = "The cluster: name, ARN, API endpoint, its certificate authority (base64), Kubernetes version, security group of control plane and nodes."
  value = {
    name                  = aws_eks_cluster.this.name
    arn                   = aws_eks_cluster.this.arn
    endpoint              = aws_eks_cluster.this.endpoint
    certificate_authority = aws_eks_cluster.this.certificate_authority[0].data
    version               = aws_eks_cluster.this.version
    security_group_id     = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  }
}

output "log_group_names" {
  description = "Names of the log groups: control-plane, jobs, platform."
  value       = { for key, group in aws_cloudwatch_log_group.this : key => group.name }
}

output "node_groups" {
  description = "The node groups by key (`system` and those of GPUs): names, sizes, GPUs, labels, taints."
  value       = module.nodes.node_groups
}

output "workload_role_arns" {
  description = "Roles of the workloads with an AWS identity, by key."
  value       = { for key, workload in module.workloads : key => workload.role.arn }
}
