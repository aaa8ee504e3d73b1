# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_data "aws_ssm_parameter" {
    defaults = { insecure_value = "ami-0123456789abcdef0" }
  }

  mock_resource "aws_eip" {
    defaults = { public_ip = "198.51.100.1" }
  }

  mock_resource "aws_instance" {
    defaults = { id = "i-0123456789abcdef0" }
  }

  mock_resource "aws_nat_gateway" {
    defaults = { id = "nat-0123456789abcdef0" }
  }

  mock_resource "aws_network_interface" {
    defaults = { id = "eni-0123456789abcdef0" }
  }
}

variables {
  name          = "local-nat"
  address_range = "10.20.0.0/16"
  kind          = "none"
  vpc_id        = "vpc-1"

  private_route_table_ids = { eu-central-1a = "rtb-a", eu-central-1b = "rtb-b", eu-central-1c = "rtb-c" }
  public_subnet_ids       = { eu-central-1a = "subnet-a", eu-central-1b = "subnet-b", eu-central-1c = "subnet-c" }
}

run "none_is_nothing" {
  command = plan

  assert {
    condition     = length(aws_route.this) == 0 && length(aws_instance.this) == 0 && length(aws_nat_gateway.this) == 0 && length(aws_eip.gateway) == 0 && length(aws_eip.instance) == 0
    error_message = "no way out, nothing to pay for"
  }

  assert {
    condition     = length(output.addresses) == 0 && length(output.alarm_names) == 0
    error_message = "no addresses and no alarms"
  }
}

run "instance" {
  command = plan

  variables {
    kind = "instance"
  }

  assert {
    condition     = { for zone, route in aws_route.this : zone => route.network_interface_id } == { for zone, id in var.private_route_table_ids : zone => "eni-0123456789abcdef0" }
    error_message = "every private subnet goes through the instance's interface"
  }

  assert {
    condition     = alltrue([for zone, route in aws_route.this : route.route_table_id == var.private_route_table_ids[zone] && route.destination_cidr_block == "0.0.0.0/0"])
    error_message = "from its own table to everywhere"
  }

  assert {
    condition     = aws_network_interface.this["this"].source_dest_check == false && aws_network_interface.this["this"].subnet_id == "subnet-a"
    error_message = "it may forward what is not meant for itself, from the first zone"
  }

  assert {
    condition     = aws_eip.instance["this"].network_interface == "eni-0123456789abcdef0" && [for device in aws_instance.this["this"].network_interface : device.network_interface_id] == ["eni-0123456789abcdef0"]
    error_message = "address and instance both belong to the interface, which stays"
  }

  assert {
    condition     = aws_instance.this["this"].metadata_options[0].http_tokens == "required" && aws_instance.this["this"].metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv2, one hop"
  }

  assert {
    condition     = aws_instance.this["this"].root_block_device[0].encrypted
    error_message = "encrypted"
  }

  assert {
    condition     = aws_instance.this["this"].instance_type == "t4g.nano" && aws_instance.this["this"].ami == "ami-0123456789abcdef0"
    error_message = "the smallest Graviton with the newest image"
  }

  assert {
    condition     = strcontains(aws_instance.this["this"].user_data, "ip saddr 10.20.0.0/16 ip daddr != 10.20.0.0/16 masquerade") && strcontains(aws_instance.this["this"].user_data, "net.ipv4.ip_forward = 1")
    error_message = "it forwards and masquerades for this network only"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.this["this"].cidr_ipv4 == "10.20.0.0/16" && aws_vpc_security_group_egress_rule.this["this"].cidr_ipv4 == "0.0.0.0/0"
    error_message = "in from the network, out to everywhere"
  }

  # What AWS takes as a description: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html
  assert {
    condition = alltrue([
      for text in [aws_security_group.this["this"].description, aws_vpc_security_group_ingress_rule.this["this"].description, aws_vpc_security_group_egress_rule.this["this"].description] :
      can(regex("^[a-zA-Z0-9. _:/()#,@\\[\\]+=&;{}!$*-]{1,255}$", text))
    ])
    error_message = "descriptions of a security group take few characters, an apostrophe not among them"
  }

  assert {
    condition     = output.addresses == tomap({ eu-central-1a = "198.51.100.1" })
    error_message = "seen from outside under one address"
  }
}

run "instance_repairs_itself_without_a_topic" {
  command = plan

  variables {
    kind = "instance"
  }

  assert {
    condition     = { for name, alarm in aws_cloudwatch_metric_alarm.instance : name => alarm.alarm_actions } == { reboot = toset(["arn:aws:automate:eu-central-1:ec2:reboot"]), recover = toset(["arn:aws:automate:eu-central-1:ec2:recover"]) }
    error_message = "moved to another host, or started again"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.instance : alarm.dimensions == tomap({ InstanceId = "i-0123456789abcdef0" })])
    error_message = "it watches the instance"
  }

  assert {
    condition     = output.alarm_names == tolist(["local-nat-reboot", "local-nat-recover"])
    error_message = "and says which alarms there are"
  }
}

run "instance_with_type_date_and_topic" {
  command = plan

  variables {
    kind     = "instance"
    instance = { type = "c7gn.medium", renewed = "2026-11-20" }
    alarms   = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms" }
  }

  assert {
    condition     = aws_instance.this["this"].instance_type == "c7gn.medium" && terraform_data.renewed["this"].input == "2026-11-20"
    error_message = "the type asked for; another date makes the instance anew"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.instance["recover"].alarm_actions == toset(["arn:aws:automate:eu-central-1:ec2:recover", "arn:aws:sns:eu-central-1:000000000000:alarms"])
    error_message = "repaired and told"
  }
}

run "single_gateway" {
  command = plan

  variables {
    kind = "gateway-single"
  }

  assert {
    condition     = { for zone, gateway in aws_nat_gateway.this : zone => gateway.subnet_id } == { eu-central-1a = "subnet-a" }
    error_message = "one gateway, in the first zone"
  }

  assert {
    condition     = keys(aws_route.this) == ["eu-central-1a", "eu-central-1b", "eu-central-1c"] && alltrue([for route in aws_route.this : route.nat_gateway_id == "nat-0123456789abcdef0"])
    error_message = "which serves all zones"
  }

  assert {
    condition     = length(aws_instance.this) == 0 && length(aws_network_interface.this) == 0 && length(data.aws_ssm_parameter.image) == 0
    error_message = "and no instance"
  }

  assert {
    condition     = output.addresses == tomap({ eu-central-1a = "198.51.100.1" }) && length(output.alarm_names) == 0
    error_message = "one address; no alarm without a topic"
  }
}

run "gateway_per_zone_with_alarms" {
  command = plan

  variables {
    kind   = "gateway-per-zone"
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms" }
  }

  override_resource {
    override_during = plan
    target          = aws_nat_gateway.this["eu-central-1b"]
    values          = { id = "nat-b" }
  }

  assert {
    condition     = { for zone, gateway in aws_nat_gateway.this : zone => gateway.subnet_id } == { eu-central-1a = "subnet-a", eu-central-1b = "subnet-b", eu-central-1c = "subnet-c" }
    error_message = "a gateway in each zone"
  }

  assert {
    condition     = aws_route.this["eu-central-1b"].nat_gateway_id == "nat-b" && aws_route.this["eu-central-1a"].nat_gateway_id != "nat-b"
    error_message = "each zone goes through its own"
  }

  assert {
    condition     = keys(output.addresses) == keys(var.public_subnet_ids)
    error_message = "three addresses"
  }

  assert {
    condition     = output.alarm_names == tolist(["local-nat-ports-eu-central-1a", "local-nat-ports-eu-central-1b", "local-nat-ports-eu-central-1c"])
    error_message = "an alarm for each gateway that runs out of ports"
  }
}

run "refuses_unknown_kind" {
  command = plan
  variables {
    kind = "gateway"
  }
  expect_failures = [var.kind]
}

run "refuses_instance_of_another_architecture" {
  command = plan
  variables {
    kind     = "instance"
    instance = { type = "t3.nano" }
  }
  expect_failures = [var.instance]
}

run "refuses_a_date_that_is_none" {
  command = plan
  variables {
    kind     = "instance"
    instance = { renewed = "2026-13-01" }
  }
  expect_failures = [var.instance]
}

run "refuses_address_that_is_no_range" {
  command = plan
  variables {
    address_range = "10.20.0.0"
  }
  expect_failures = [var.address_range]
}

run "refuses_topic_that_is_none" {
  command = plan
  variables {
    alarms = { topic_arn = "staging-alarms" }
  }
  expect_failures = [var.alarms]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "Local"
  }
  expect_failures = [var.name]
}

run "refuses_table_of_a_zone_without_public_subnet" {
  command = plan
  variables {
    private_route_table_ids = { eu-central-1d = "rtb-d" }
  }
  expect_failures = [var.private_route_table_ids]
}

run "refuses_no_public_subnet" {
  command = plan
  variables {
    private_route_table_ids = {}
    public_subnet_ids       = {}
  }
  expect_failures = [var.public_subnet_ids]
}
