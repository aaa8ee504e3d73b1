locals {
  _everything = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]

  _transport_statement = {
    Sid       = "TlsOnly"
    Effect    = "Deny"
    Principal = { AWS = "*" }
    Action    = "s3:*"
    Resource  = local._everything
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }

  # Services that read for others, such as CloudFront.
  _reader_statements = [
    for name, reader in var.readers : {
      Sid       = "Read${join("", [for word in split("-", name) : title(word)])}"
      Effect    = "Allow"
      Principal = { Service = reader.service }
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.this.arn}/*"
      Condition = { ArnLike = { "aws:SourceArn" = reader.source_arn } }
    }
  ]

  # An upload's parts, and the request that opens it, create no object and cannot carry
  # If-None-Match: s3:ObjectCreationOperation leaves them out.
  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
  _create_once_statement = {
    Sid       = "NoObjectIsWrittenTwice"
    Effect    = "Deny"
    Principal = { AWS = "*" }
    Action    = "s3:PutObject"
    Resource  = "${aws_s3_bucket.this.arn}/*"
    Condition = { Null = { "s3:if-none-match" = "true" }, Bool = { "s3:ObjectCreationOperation" = "true" } }
  }

  # Objects only: DeleteBucket stays possible, so Terraform can remove the bucket once it is
  # empty. Lifecycle rules are not principals and go on working.
  _keep_statement = {
    Sid       = "NothingIsDeleted"
    Effect    = "Deny"
    Principal = { AWS = "*" }
    Action = [
      "s3:BypassGovernanceRetention",
      "s3:DeleteObject",
      "s3:DeleteObjectVersion",
      "s3:PutObjectLegalHold",
      "s3:PutObjectRetention",
    ]
    Resource = "${aws_s3_bucket.this.arn}/*"
  }

  # Who may use the data must not be able to lift the rules above.
  _settings_statement = {
    Sid       = "SettingsAreOutOfReach"
    Effect    = "Deny"
    Principal = { AWS = "*" }
    Action = [
      "s3:DeleteBucket",
      "s3:DeleteBucketPolicy",
      "s3:PutBucketObjectLockConfiguration",
      "s3:PutBucketPolicy",
      "s3:PutBucketVersioning",
      "s3:PutLifecycleConfiguration",
    ]
    Resource = aws_s3_bucket.this.arn
  }

  _write_once = var.write_once == null ? [] : [var.write_once]

  # An absent condition means "everybody"; an empty list of patterns in one would mean "nobody".
  _write_once_statements = flatten([
    for rules in local._write_once : [
      local._create_once_statement,
      merge(local._keep_statement, length(rules.break_glass_principal_arns) == 0 ? null : {
        Condition = { ArnNotLike = { "aws:PrincipalArn" = sort(rules.break_glass_principal_arns) } }
      }),
      [
        for patterns in [sort(rules.settings_denied_to)] : merge(local._settings_statement, {
          Condition = { ArnLike = { "aws:PrincipalArn" = patterns } }
        }) if length(patterns) > 0
      ],
    ]
  ])
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket_public_access_block.this.bucket

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local._transport_statement], local._write_once_statements, local._reader_statements)
  })
}

resource "aws_s3_bucket_logging" "this" {
  for_each = var.access_log == null ? {} : { this = var.access_log }

  bucket        = aws_s3_bucket.this.id
  target_bucket = each.value.bucket
  target_prefix = each.value.prefix
}
