# The newest Amazon Linux of its kind, as AWS publishes it.
data "aws_ssm_parameter" "image" {
  for_each = local._instance

  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-minimal-kernel-default-arm64"
}

# Interface and address outlive the instance: a new one changes neither routes nor the address
# that others have in their lists.
resource "aws_network_interface" "this" {
  for_each = local._instance

  subnet_id         = var.public_subnet_ids[local._first_zone]
  security_groups   = [aws_security_group.this[each.key].id]
  source_dest_check = false

  tags = { Name = var.name }
}

resource "aws_eip" "instance" {
  for_each = local._instance

  domain            = "vpc"
  network_interface = aws_network_interface.this[each.key].id

  tags = { Name = var.name }
}

# Its only purpose is to change when the instance is to be made anew.
resource "terraform_data" "renewed" {
  for_each = local._instance

  input = each.value.renewed
}

resource "aws_instance" "this" {
  #checkov:skip=CKV_AWS_126:Status checks come every minute without detailed monitoring
  #checkov:skip=CKV2_AWS_41:It calls no AWS service, so it has no role that could be stolen
  for_each = local._instance

  ami                         = data.aws_ssm_parameter.image[each.key].insecure_value
  instance_type               = each.value.type
  ebs_optimized               = true
  user_data                   = templatefile("${path.module}/instance.sh.tftpl", { address_range = var.address_range })
  user_data_replace_on_change = true

  network_interface {
    device_index         = 0
    network_interface_id = aws_network_interface.this[each.key].id
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1
    http_tokens                 = "required"
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
  }

  maintenance_options {
    auto_recovery = "default"
  }

  tags        = { Name = var.name }
  volume_tags = { Name = var.name }

  # It fetches its packages while it starts.
  depends_on = [aws_eip.instance, aws_vpc_security_group_egress_rule.this]

  lifecycle {
    # AWS publishes an image every two weeks; instance.renewed decides when to take it.
    ignore_changes       = [ami]
    replace_triggered_by = [terraform_data.renewed[each.key]]
  }
}
