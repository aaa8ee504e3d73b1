# One key for what the cluster keeps: its secrets and its logs.
resource "aws_kms_key" "this" {
  description             = "Secrets and logs of the cluster ${var.name}."
  enable_key_rotation     = true
  deletion_window_in_days = var.is_temporary ? 7 : 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountDecidesByItsPolicies"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local._partition}:iam::${local._account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "LogsEncrypt"
        Effect    = "Allow"
        Principal = { Service = "logs.${local._region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = { ArnLike = {
          "kms:EncryptionContext:aws:logs:arn" = "arn:${local._partition}:logs:${local._region}:${local._account_id}:log-group:/aws/eks/${var.name}/*"
        } }
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/eks-${var.name}"
  target_key_id = aws_kms_key.this.id
}
