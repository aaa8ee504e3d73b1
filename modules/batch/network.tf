# Jobs call out, nobody calls in.
resource "aws_security_group" "jobs" {
  #checkov:skip=CKV2_AWS_5:Compute environments use it; the check knows instances and functions only
  name_prefix = "${var.name}-jobs-"
  description = "Jobs of ${var.name}: out to the named ports, in from nowhere."
  vpc_id      = var.network.vpc_id
  tags        = { Name = "${var.name}-jobs" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_egress_rule" "jobs" {
  for_each = { for port in var.network.egress_ports : tostring(port) => port }

  security_group_id = aws_security_group.jobs.id
  description       = "To port ${each.key} anywhere."
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}
