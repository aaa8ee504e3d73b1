locals {
  _statements = concat(
    [
      {
        Sid      = "CallFunctions"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = sort(values(var.function_arns))
      },
      # Step Functions writes its log by deliveries, which know no resources to name.
      # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
      {
        Sid    = "DeliverLog"
        Effect = "Allow"
        Action = [
          "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
          "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
        ]
        Resource = ["*"]
      },
      # Nor does X-Ray.
      {
        Sid      = "SendTraces"
        Effect   = "Allow"
        Action   = ["xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = ["*"]
      },
    ],
    [
      for arn in var.is_recursive ? [local._arn] : [] :
      { Sid = "StartItself", Effect = "Allow", Action = ["states:StartExecution"], Resource = [arn] }
    ],
  )
}

resource "aws_iam_role" "this" {
  name        = "${var.name}-states"
  description = "What the state machine ${var.name} may do."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "states.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        ArnLike      = { "aws:SourceArn" = local._arn }
      }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name   = "state-machine"
  role   = aws_iam_role.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local._statements })
}
