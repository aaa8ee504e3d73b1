locals {
  _flow_logs = var.flow_logs == null ? {} : { this = var.flow_logs }
}

resource "aws_cloudwatch_log_group" "flow_logs" {
  for_each = local._flow_logs

  name              = "/aws/vpc/${var.name}/flow-logs"
  retention_in_days = each.value.retention_days
  kms_key_id        = each.value.kms_key_arn
}

resource "aws_iam_role" "flow_logs" {
  for_each = local._flow_logs

  name        = "${var.name}-flow-logs"
  description = "Writes the flow logs of ${var.name}."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local._account_id }
        ArnLike      = { "aws:SourceArn" = "${local._arn}:ec2:${local._region}:${local._account_id}:vpc-flow-log/*" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "flow_logs" {
  for_each = local._flow_logs

  name = "write-flow-logs"
  role = aws_iam_role.flow_logs[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = [aws_cloudwatch_log_group.flow_logs[each.key].arn, "${aws_cloudwatch_log_group.flow_logs[each.key].arn}:*"]
    }]
  })
}

resource "aws_flow_log" "this" {
  for_each = local._flow_logs

  vpc_id                   = aws_vpc.this.id
  traffic_type             = each.value.traffic
  log_destination          = aws_cloudwatch_log_group.flow_logs[each.key].arn
  iam_role_arn             = aws_iam_role.flow_logs[each.key].arn
  max_aggregation_interval = each.value.aggregation_seconds

  tags = { Name = var.name }
}
