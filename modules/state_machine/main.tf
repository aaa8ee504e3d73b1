data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # Written out: the role has to name the state machine that needs the role.
  _arn_prefix = join(":", [
    "arn", data.aws_partition.current.partition, "states",
    data.aws_region.current.name, data.aws_caller_identity.current.account_id,
  ])
  _arn = "${local._arn_prefix}:stateMachine:${var.name}"
}

resource "aws_sfn_state_machine" "this" {
  name       = var.name
  type       = "STANDARD"
  role_arn   = aws_iam_role.this.arn
  definition = var.definition

  logging_configuration {
    level                  = var.logs.level
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.this.arn}:*"
  }

  tracing_configuration {
    enabled = true
  }

  # Step Functions tries the log and the traces before it makes anything.
  depends_on = [aws_iam_role_policy.this]
}

# Below this path CloudWatch needs no resource policy for each group, of which there may be ten.
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/vendedlogs/states/${var.name}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn
}
