locals {
  _own_statements = merge(
    {
      write_own_log = { actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = ["${aws_cloudwatch_log_group.this.arn}:*"] }
      # X-Ray knows no resources to name.
      send_traces = { actions = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources = ["*"] }
    },
    { for source in local._sources : "read_source_queue" => {
      actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      resources = [source.arn]
    } },
    { for arn in local._failure_queues : "send_failures" => { actions = ["sqs:SendMessage"], resources = [arn] } },
  )

  # A granted statement never takes the place of an own one, whatever its name.
  _statements = flatten([
    for statements in [local._own_statements, var.policy_statements] : [
      for name, statement in statements : merge(
        {
          Sid      = replace(title(replace(name, "_", " ")), " ", "")
          Effect   = "Allow"
          Action   = sort(statement.actions)
          Resource = sort(statement.resources)
        },
        length(try(statement.condition, {})) == 0 ? null : { Condition = statement.condition },
      )
    ]
  ])
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
  name   = "function"
  role   = aws_iam_role.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local._statements, local._network_statements) })
}
