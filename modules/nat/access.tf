resource "aws_security_group" "this" {
  for_each = local._instance

  name        = var.name
  description = "NAT instance: from the network to the internet."
  vpc_id      = var.vpc_id

  tags = { Name = var.name }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = local._instance

  security_group_id = aws_security_group.this[each.key].id
  description       = "Whatever the network sends to the internet."
  cidr_ipv4         = var.address_range
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = local._instance

  security_group_id = aws_security_group.this[each.key].id
  description       = "To the internet; who may send what is said by the groups of the senders."
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
