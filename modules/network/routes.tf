# A table for each zone even where one way out serves all: changing the kind of NAT changes
# routes, and no subnet moves to another table. By zones and not by subnets, since an import, by
# which a killed apply is recovered, cannot go through what it does not know yet.
resource "aws_route_table" "private" {
  for_each = toset(var.zones)

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-private-${each.key}" }
}

resource "aws_route_table_association" "private" {
  for_each = toset(var.zones)

  route_table_id = aws_route_table.private[each.key].id
  subnet_id      = aws_subnet.private[each.key].id
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  # Inline: a subnet that has this table has its way out.
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this.id
  }

  tags = { Name = "${var.name}-public" }
}

resource "aws_route_table_association" "public" {
  for_each = toset(var.zones)

  route_table_id = aws_route_table.public.id
  subnet_id      = aws_subnet.public[each.key].id
}

module "nat" {
  source = "../nat"

  name          = "${var.name}-nat"
  address_range = var.address_range
  alarms        = var.alarms
  instance      = { type = var.nat.instance_type, renewed = var.nat.renewed }
  kind          = var.nat.kind
  vpc_id        = aws_vpc.this.id

  private_route_table_ids = { for zone in var.zones : zone => aws_route_table.private[zone].id }

  # By their tables, so that the NAT waits for the internet.
  public_subnet_ids = { for zone in var.zones : zone => aws_route_table_association.public[zone].subnet_id }
}
