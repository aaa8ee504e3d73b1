# Whoever asks for the addresses wants the way out that bears them, hence depends_on.
output "addresses" {
  description = "Public addresses from which private subnets reach the internet: zone to address."
  value = tomap(merge(
    { for zone, address in aws_eip.gateway : zone => address.public_ip },
    { for address in aws_eip.instance : local._first_zone => address.public_ip },
  ))

  depends_on = [aws_instance.this, aws_route.this]
}

output "alarm_names" {
  description = "Names of the alarms."
  value = sort(concat(
    [for alarm in aws_cloudwatch_metric_alarm.gateway : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.instance : alarm.alarm_name],
  ))
}
