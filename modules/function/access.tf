locals {
  _own_statements = concat(
    [
      {
        Sid      = "WriteOwnLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
      },
      {
        # X-Ray knows no resources to name.
        Sid      = "SendTraces"
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = ["*"]
      },
    ],
    [
      for source in local._sources : {
        Sid      = "ReadSourceQueue"
        Effect   = "Allow"
        Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        Resource = [source.arn]
      }
    ],
    [
      for arn in var.failure_queue_arn == null ? [] : [var.failure_queue_arn] : {
        Sid      = "SendFailures"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [arn]
      }
    ],
  )

  _granted_statements = [
    for name, statement in var.policy_statements : merge(
      {
        Sid      = replace(title(replace(name, "_", " ")), " ", "")
        Effect   = "Allow"
        Action   = sort(statement.actions)
        Resource = sort(statement.resources)
      },
      length(statement.condition) == 0 ? null : { Condition = statement.condition },
    )
  ]
}

resource "aws_iam_role" "this" {
  name        = var.name
  description = "What the function ${var.name} may do."
  tags        = var.role_tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "function"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local._own_statements, local._granted_statements)
  })
}
