output "private" {
  description = "The private bucket: name and ARN."
  value       = module.private.bucket
}

output "public" {
  description = "The public contents: the bucket to put them in (name and ARN), the address that everything in it has for good, and the distribution's id and ARN."
  value = merge(module.public.bucket, {
    url              = "https://${var.own_names == null ? aws_cloudfront_distribution.this.domain_name : sort(var.own_names.names)[0]}"
    distribution_id  = aws_cloudfront_distribution.this.id
    distribution_arn = aws_cloudfront_distribution.this.arn
  })
}
