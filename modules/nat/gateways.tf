resource "aws_eip" "gateway" {
  for_each = local._gateways

  domain = "vpc"

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each = local._gateways

  allocation_id = aws_eip.gateway[each.key].id
  subnet_id     = var.public_subnet_ids[each.key]

  tags = { Name = "${var.name}-${each.key}" }
}
