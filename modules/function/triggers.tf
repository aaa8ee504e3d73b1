locals {
  _sources   = var.source_queue == null ? [] : [var.source_queue]
  _schedules = var.schedule == null ? {} : { this = var.schedule }
}

resource "aws_lambda_event_source_mapping" "this" {
  for_each = { for source in local._sources : "queue" => source }

  event_source_arn                   = each.value.arn
  function_name                      = aws_lambda_function.this.arn
  batch_size                         = each.value.batch_size
  maximum_batching_window_in_seconds = each.value.batch_window_seconds
  # One bad message must not bring its whole batch back.
  function_response_types = ["ReportBatchItemFailures"]

  dynamic "scaling_config" {
    for_each = each.value.max_concurrency == null ? [] : [each.value.max_concurrency]

    content {
      maximum_concurrency = scaling_config.value
    }
  }
}

resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = local._schedules

  name                = "${var.name}-schedule"
  description         = "Starts ${var.name}."
  schedule_expression = each.value.expression
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = local._schedules

  rule      = aws_cloudwatch_event_rule.schedule[each.key].name
  target_id = var.name
  arn       = aws_lambda_function.this.arn
  input     = each.value.input
}

resource "aws_lambda_permission" "schedule" {
  for_each = local._schedules

  statement_id  = "schedule"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[each.key].arn
}
