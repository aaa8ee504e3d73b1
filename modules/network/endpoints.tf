# Both are free, and what goes through them pays for no NAT. Their policies grant nothing, they
# limit: data leaves this network for no bucket or table of another account.
locals {
  _endpoint_policies = {
    dynamodb = [
      {
        Sid       = "OwnTables"
        Effect    = "Allow"
        Principal = "*"
        Action    = "dynamodb:*"
        Resource  = "${local._arn}:dynamodb:${local._region}:${local._account_id}:*"
      },
      {
        # These name no table.
        Sid       = "OwnAccount"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["dynamodb:DescribeEndpoints", "dynamodb:DescribeLimits", "dynamodb:ListTables"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:PrincipalAccount" = local._account_id } }
      },
    ]
    s3 = concat(
      [
        {
          Sid       = "OwnBuckets"
          Effect    = "Allow"
          Principal = "*"
          Action    = "s3:*"
          Resource  = "*"
          Condition = { StringEquals = { "aws:ResourceAccount" = local._account_id } }
        },
        {
          # Images' layers, packages of Amazon Linux and public data sets lie in others' buckets.
          Sid       = "OthersAreReadOnly"
          Effect    = "Allow"
          Principal = "*"
          Action    = ["s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion", "s3:ListAllMyBuckets", "s3:ListBucket"]
          Resource  = "*"
        },
      ],
      [
        for names in [sort(var.writable_foreign_buckets)] : {
          Sid       = "NamedBucketsOfOthers"
          Effect    = "Allow"
          Principal = "*"
          Action    = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"]
          Resource  = [for name in names : "${local._arn}:s3:::${name}/*"]
        } if length(names) > 0
      ],
    )
  }
}

resource "aws_vpc_endpoint" "this" {
  for_each = local._endpoint_policies

  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${local._region}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = concat([aws_route_table.public.id], [for table in aws_route_table.private : table.id])
  policy            = jsonencode({ Version = "2012-10-17", Statement = each.value })

  tags = { Name = "${var.name}-${each.key}" }
}
