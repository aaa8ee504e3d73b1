output "alarm_names" {
  description = "Names of the alarms."
  value       = module.nat.alarm_names
}

output "flow_log_group_name" {
  description = "Name of the flow logs' log group; null without flow logs."
  value       = one([for group in aws_cloudwatch_log_group.flow_logs : group.name])
}

output "nat_addresses" {
  description = "Public addresses from which private subnets reach the internet, in the order of their zones' names."
  value       = values(module.nat.addresses)
}

# Whoever gets subnets gets them with their way out and their endpoints, hence depends_on.
output "private_subnet_ids" {
  description = "Private subnets: zone to id."
  value       = { for zone, subnet in aws_subnet.private : zone => subnet.id }

  depends_on = [aws_route_table_association.private, aws_vpc_endpoint.this, module.nat]
}

output "public_subnet_ids" {
  description = "Public subnets: zone to id."
  value       = { for zone, subnet in aws_subnet.public : zone => subnet.id }

  depends_on = [aws_route_table_association.public]
}

output "vpc" {
  description = "The network: id, ARN, address range."
  value = {
    id            = aws_vpc.this.id
    arn           = aws_vpc.this.arn
    address_range = aws_vpc.this.cidr_block
  }
}
