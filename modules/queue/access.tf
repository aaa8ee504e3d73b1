locals {
  _transport_statement = {
    Sid       = "TlsOnly"
    Effect    = "Deny"
    Principal = { AWS = "*" }
    Action    = "sqs:*"
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }

  _sender_statements = [
    for name, sender in var.senders : {
      Sid       = "Sender${replace(title(replace(name, "/[^0-9A-Za-z]+/", " ")), " ", "")}"
      Effect    = "Allow"
      Principal = { Service = sender.service }
      Action    = "sqs:SendMessage"
      Resource  = local._arn
      # A name alone could one day belong to a stranger's bucket; the account cannot.
      Condition = {
        ArnEquals    = { "aws:SourceArn" = sender.source_arn }
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
      }
    }
  ]

  _policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [merge(local._transport_statement, { Resource = local._arn })],
      local._sender_statements,
    )
  })

  _dead_letter_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [merge(local._transport_statement, { Resource = local._dead_letter_arn })]
  })
}
