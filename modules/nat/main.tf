data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _arn        = "arn:${data.aws_partition.current.partition}"
  _region     = data.aws_region.current.name
  _zones      = sort(keys(var.public_subnet_ids))
  _first_zone = local._zones[0]

  # At most one of these has an element.
  _instance      = var.kind == "instance" ? { this = var.instance } : {}
  _gateway_zones = { gateway-single = [local._first_zone], gateway-per-zone = local._zones }
  _gateways      = toset(lookup(local._gateway_zones, var.kind, []))
}

# Each table leads to the gateway of its own zone, else to the only one there is.
resource "aws_route" "this" {
  for_each = var.kind == "none" ? {} : var.private_route_table_ids

  route_table_id         = each.value
  destination_cidr_block = "0.0.0.0/0"
  network_interface_id   = one([for interface in aws_network_interface.this : interface.id])
  nat_gateway_id = length(local._gateways) == 0 ? null : (
    aws_nat_gateway.this[contains(local._gateways, each.key) ? each.key : local._first_zone].id
  )
}
