locals {
  _public  = var.public_zone == null ? {} : { this = var.public_zone }
  _private = var.private_zone == null ? {} : { this = var.private_zone }

  _zone_ids = merge(
    { for zone in aws_route53_zone.public : "public" => zone.zone_id },
    { for zone in aws_route53_zone.private : "private" => zone.zone_id },
  )
}

resource "aws_route53_zone" "public" {
  #checkov:skip=CKV2_AWS_38:DNSSEC needs a record in the parent zone, and a mistake takes the whole domain away: a decision of its own
  #checkov:skip=CKV2_AWS_39:Query logs are an optional part; they may name what a person looks for
  for_each = local._public

  name    = var.domain
  comment = "Public names of ${var.domain}."

  # Records that Terraform did not make keep a zone from being deleted, unless it is temporary.
  force_destroy = var.is_temporary
}

resource "aws_route53_zone" "private" {
  #checkov:skip=CKV2_AWS_38:DNSSEC is for public zones only
  #checkov:skip=CKV2_AWS_39:Queries from a network are logged by its resolver, not by a zone
  for_each = local._private

  name          = var.domain
  comment       = "Names of ${var.domain} inside the networks."
  force_destroy = var.is_temporary

  dynamic "vpc" {
    for_each = each.value.vpc_ids

    content {
      vpc_id = vpc.value
    }
  }
}

resource "aws_route53_query_log" "this" {
  for_each = { for name, zone in local._public : name => zone if zone.query_log != null }

  zone_id                  = aws_route53_zone.public[each.key].zone_id
  cloudwatch_log_group_arn = each.value.query_log.log_group_arn
}
