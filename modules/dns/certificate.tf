locals {
  _certificate       = var.certificate == null ? {} : { this = var.certificate }
  _certificate_names = flatten([for certificate in local._certificate : concat([var.domain], sort(certificate.alternative_names))])

  # A name and its wildcard are proven by the same record.
  _proven_names = toset([for name in local._certificate_names : trimprefix(name, "*.")])
  _proofs = {
    for option in flatten([for certificate in aws_acm_certificate.this : tolist(certificate.domain_validation_options)]) :
    trimprefix(option.domain_name, "*.") => option...
  }
}

resource "aws_acm_certificate" "this" {
  for_each = local._certificate

  domain_name               = var.domain
  subject_alternative_names = each.value.alternative_names
  validation_method         = "DNS"

  # Whatever uses it goes on to the new one before the old one ends.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "proof" {
  for_each = local._proven_names

  zone_id = local._zone_ids["public"]
  name    = local._proofs[each.key][0].resource_record_name
  type    = local._proofs[each.key][0].resource_record_type
  ttl     = 300
  records = [local._proofs[each.key][0].resource_record_value]

  # The same names in another region's certificate have the same proof.
  allow_overwrite = true
}

# Nothing is made in AWS: it waits until the certificate is there.
resource "aws_acm_certificate_validation" "this" {
  for_each = { for name, certificate in local._certificate : name => certificate if certificate.is_awaited }

  certificate_arn         = aws_acm_certificate.this[each.key].arn
  validation_record_fqdns = [for record in aws_route53_record.proof : record.fqdn]
}

# ACM renews by itself 60 days before the end, as long as the proofs are there to be seen.
resource "aws_cloudwatch_metric_alarm" "certificate" {
  for_each = var.alarms == null ? {} : local._certificate

  alarm_name          = "certificate-${var.domain}"
  alarm_description   = "The certificate of ${var.domain} ends in less than 30 days and was not renewed. Is the domain still delegated to this zone?"
  namespace           = "AWS/CertificateManager"
  metric_name         = "DaysToExpiry"
  dimensions          = { CertificateArn = aws_acm_certificate.this[each.key].arn }
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = 30
  period              = 86400
  evaluation_periods  = 1
  treat_missing_data  = "ignore"
  alarm_actions       = [var.alarms.topic_arn]
  ok_actions          = [var.alarms.topic_arn]
}
