locals {
  # Where the pods' output goes, by the namespaces it comes from; see kubernetes/.
  _log_groups = {
    control-plane = "/aws/eks/${var.name}/cluster" # a name that EKS has fixed
    jobs          = "/aws/eks/${var.name}/jobs"
    platform      = "/aws/eks/${var.name}/platform"
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = local._log_groups

  name              = each.value
  retention_in_days = var.logs.retention_days
  kms_key_id        = aws_kms_key.this.arn
}
