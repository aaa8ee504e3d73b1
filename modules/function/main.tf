locals {
  _failure_queues = var.failure_queue_arn == null ? [] : [var.failure_queue_arn]

  # Powertools reads these; the caller's environment may not say otherwise.
  _powertools_environment = {
    POWERTOOLS_LOG_LEVEL         = var.logs.level
    POWERTOOLS_METRICS_NAMESPACE = "ProvingGround"
    POWERTOOLS_SERVICE_NAME      = var.name
  }
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_117:Most functions speak only to AWS APIs; a VPC would add a NAT bill and no barrier their roles do not draw already
  #checkov:skip=CKV_AWS_173:The environment holds names and addresses only, no secret; AWS encrypts it with its own key
  #checkov:skip=CKV_AWS_272:Packages are named by content hash and built in this repository; a signing profile would sign the same build again
  function_name                  = var.name
  description                    = var.function.description
  role                           = aws_iam_role.this.arn
  handler                        = var.function.handler
  runtime                        = var.package.runtime
  architectures                  = [var.package.architecture]
  filename                       = var.package.path
  source_code_hash               = var.package.hash
  layers                         = var.package.layers
  memory_size                    = var.function.memory_size
  timeout                        = var.function.timeout
  reserved_concurrent_executions = var.function.reserved_concurrency

  environment {
    variables = merge(var.function.environment, local._powertools_environment)
  }

  tracing_config {
    mode = "Active"
  }

  dynamic "vpc_config" {
    for_each = local._networks

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  dynamic "dead_letter_config" {
    for_each = local._failure_queues

    content {
      target_arn = dead_letter_config.value
    }
  }

  # Lambda makes a missing log group itself, without retention: ours must be there first. And
  # a function that starts before its policy fails its first calls.
  depends_on = [
    aws_cloudwatch_log_group.this,
    aws_iam_role_policy.this,
  ]
}
