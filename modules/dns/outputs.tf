output "alarm_names" {
  description = "Names of the alarms."
  value       = [for alarm in aws_cloudwatch_metric_alarm.certificate : alarm.alarm_name]
}

output "certificate_arn" {
  description = "ARN of the certificate, issued unless it is not awaited; null without one."
  value = one(concat(
    [for validation in aws_acm_certificate_validation.this : validation.certificate_arn],
    [for name, certificate in aws_acm_certificate.this : certificate.arn if !local._certificate[name].is_awaited],
  ))
}

output "delegation" {
  description = "The record that the parent domain needs, so that the world finds this zone; null without a public zone."
  value = one([
    for zone in aws_route53_zone.public : { name = var.domain, type = "NS", ttl = 172800, values = sort(zone.name_servers) }
  ])
}

output "health_check_ids" {
  description = "Health checks: name to id."
  value       = { for name, check in aws_route53_health_check.this : name => check.id }
}

output "names" {
  description = "Full names of the records, by their keys."
  value       = { for key, record in aws_route53_record.this : key => record.fqdn }
}

output "private_zone" {
  description = "The private zone: id, ARN; null without one."
  value       = one([for zone in aws_route53_zone.private : { id = zone.zone_id, arn = zone.arn }])
}

output "public_zone" {
  description = "The public zone: id, ARN, name servers; null without one."
  value       = one([for zone in aws_route53_zone.public : { id = zone.zone_id, arn = zone.arn, name_servers = sort(zone.name_servers) }])
}
