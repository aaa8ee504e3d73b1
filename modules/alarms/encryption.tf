# CloudWatch cannot publish to a topic under AWS's own key for SNS, whose policy nobody can
# change: alarms would be lost without a word. Hence a key of one's own.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
resource "aws_kms_key" "this" {
  for_each = var.kms_key_arn == null ? { this = var.name } : {}

  description             = "Alarms of ${each.value}."
  enable_key_rotation     = true
  deletion_window_in_days = var.is_temporary ? 7 : 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountDecidesByItsPolicies"
        Effect    = "Allow"
        Principal = { AWS = local._account_root_arn }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "PublishersEncrypt"
        Effect    = "Allow"
        Principal = { Service = local._publishers }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local._account_id } }
      },
    ]
  })
}
