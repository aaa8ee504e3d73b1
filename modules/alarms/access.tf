data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  _account_id       = data.aws_caller_identity.current.account_id
  _account_root_arn = "arn:${data.aws_partition.current.partition}:iam::${local._account_id}:root"
  _publishers       = ["cloudwatch.amazonaws.com", "events.amazonaws.com"]
}

resource "aws_sns_topic_policy" "this" {
  arn = aws_sns_topic.this.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Publishers"
        Effect    = "Allow"
        Principal = { Service = local._publishers }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this.arn
        Condition = { StringEquals = { "aws:SourceAccount" = local._account_id } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}
