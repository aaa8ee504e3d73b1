# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:flow-logs" }
  }

  mock_resource "aws_eip" {
    defaults = { public_ip = "198.51.100.1" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/local-flow-logs", id = "local-flow-logs" }
  }

  mock_resource "aws_vpc" {
    defaults = { id = "vpc-1", arn = "arn:aws:ec2:eu-central-1:000000000000:vpc/vpc-1" }
  }
}

variables {
  name          = "local"
  address_range = "10.20.0.0/16"
  zones         = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
}

run "three_zones" {
  command = plan

  assert {
    condition     = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == { eu-central-1a = "10.20.0.0/18", eu-central-1b = "10.20.64.0/18", eu-central-1c = "10.20.128.0/18" }
    error_message = "three large private subnets"
  }

  assert {
    condition     = { for zone, subnet in aws_subnet.public : zone => subnet.cidr_block } == { eu-central-1a = "10.20.192.0/22", eu-central-1b = "10.20.196.0/22", eu-central-1c = "10.20.200.0/22" }
    error_message = "three small public ones"
  }

  assert {
    condition     = alltrue([for zone, subnet in merge(aws_subnet.private, aws_subnet.public) : subnet.availability_zone == zone && subnet.map_public_ip_on_launch == false])
    error_message = "each in its zone, and no public address by itself"
  }

  assert {
    condition     = alltrue(flatten([for subnet in concat(values(aws_subnet.private), values(aws_subnet.public)) : [for key in keys(subnet.tags) : !startswith(key, "kubernetes.io/")]]))
    error_message = "no Kubernetes tags without a cluster"
  }

  assert {
    condition     = length(aws_default_security_group.this.ingress) == 0 && length(aws_default_security_group.this.egress) == 0
    error_message = "the default security group has no rules"
  }

  assert {
    condition     = aws_vpc.this.enable_dns_support && aws_vpc.this.enable_dns_hostnames
    error_message = "names are resolved, as private zones and EKS need"
  }

  assert {
    condition     = [for route in aws_route_table.public.route : route.cidr_block] == ["0.0.0.0/0"]
    error_message = "public subnets lead to the internet"
  }

  assert {
    condition     = output.nat_addresses == tolist([]) && output.flow_log_group_name == null && length(output.alarm_names) == 0
    error_message = "no NAT, no flow logs and no alarms unless asked for"
  }

  assert {
    condition     = output.vpc == { id = "vpc-1", arn = "arn:aws:ec2:eu-central-1:000000000000:vpc/vpc-1", address_range = "10.20.0.0/16" }
    error_message = "says what it is"
  }

  assert {
    condition     = join(" ", keys(output.private_subnet_ids)) == join(" ", var.zones) && join(" ", keys(output.public_subnet_ids)) == join(" ", var.zones)
    error_message = "subnets by zone"
  }
}

run "smallest_range" {
  command = plan

  variables {
    address_range = "192.168.4.0/22"
  }

  assert {
    condition     = [for subnet in aws_subnet.private : subnet.cidr_block] == ["192.168.4.0/24", "192.168.5.0/24", "192.168.6.0/24"]
    error_message = "three quarters are private"
  }

  assert {
    condition     = [for subnet in aws_subnet.public : subnet.cidr_block] == ["192.168.7.0/28", "192.168.7.16/28", "192.168.7.32/28"]
    error_message = "public subnets as small as AWS allows"
  }
}

run "endpoints" {
  command = plan

  assert {
    condition     = { for name, endpoint in aws_vpc_endpoint.this : name => endpoint.service_name } == { dynamodb = "com.amazonaws.eu-central-1.dynamodb", s3 = "com.amazonaws.eu-central-1.s3" }
    error_message = "S3 and DynamoDB"
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.this : endpoint.vpc_endpoint_type == "Gateway"])
    error_message = "of the kind that costs nothing"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_vpc_endpoint.this["s3"].policy).Statement :
      try(statement.Condition.StringEquals["aws:ResourceAccount"], "") == "000000000000" ||
      length(setintersection(["s3:*", "s3:PutObject"], flatten([statement.Action]))) == 0
    ])
    error_message = "written is to this account's buckets only"
  }

  assert {
    condition     = contains(jsondecode(aws_vpc_endpoint.this["s3"].policy).Statement[1].Action, "s3:GetObject")
    error_message = "image layers are read from AWS's buckets"
  }

  assert {
    condition     = jsondecode(aws_vpc_endpoint.this["dynamodb"].policy).Statement[0].Resource == "arn:aws:dynamodb:eu-central-1:000000000000:*"
    error_message = "this account's tables only"
  }
}

run "foreign_buckets" {
  command = plan

  variables {
    writable_foreign_buckets = ["two", "one"]
  }

  assert {
    condition = jsondecode(aws_vpc_endpoint.this["s3"].policy).Statement[2] == {
      Sid       = "NamedBucketsOfOthers"
      Effect    = "Allow"
      Principal = "*"
      Action    = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"]
      Resource  = ["arn:aws:s3:::one/*", "arn:aws:s3:::two/*"]
    }
    error_message = "named buckets of others may be written to"
  }
}

run "flow_logs" {
  command = plan

  variables {
    flow_logs = { retention_days = 90, traffic = "ALL", aggregation_seconds = 60, kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/one" }
  }

  assert {
    condition     = aws_cloudwatch_log_group.flow_logs["this"].name == "/aws/vpc/local/flow-logs" && aws_cloudwatch_log_group.flow_logs["this"].retention_in_days == 90 && aws_cloudwatch_log_group.flow_logs["this"].kms_key_id == "arn:aws:kms:eu-central-1:000000000000:key/one"
    error_message = "a log group of its own, kept and encrypted as asked"
  }

  assert {
    condition     = aws_flow_log.this["this"].vpc_id == "vpc-1" && aws_flow_log.this["this"].traffic_type == "ALL" && aws_flow_log.this["this"].max_aggregation_interval == 60
    error_message = "of the whole network"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.flow_logs["this"].policy).Statement[0].Resource == ["arn:aws:logs:eu-central-1:000000000000:log-group:flow-logs", "arn:aws:logs:eu-central-1:000000000000:log-group:flow-logs:*"]
    error_message = "the role writes to that group and nowhere else"
  }

  assert {
    condition     = jsondecode(aws_iam_role.flow_logs["this"].assume_role_policy).Statement[0].Condition.StringEquals == { "aws:SourceAccount" = "000000000000" }
    error_message = "and only for this account's flow logs"
  }

  assert {
    condition     = output.flow_log_group_name == "/aws/vpc/local/flow-logs"
    error_message = "says where they are"
  }
}

run "flow_logs_are_cheap_by_default" {
  command = plan

  variables {
    flow_logs = {}
  }

  assert {
    condition     = aws_flow_log.this["this"].traffic_type == "REJECT" && aws_flow_log.this["this"].max_aggregation_interval == 600 && aws_cloudwatch_log_group.flow_logs["this"].retention_in_days == 30
    error_message = "what was refused, for a month"
  }
}

run "kubernetes" {
  command = plan

  variables {
    kubernetes_cluster_name = "local"
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.private : subnet.tags["kubernetes.io/role/internal-elb"] == "1" && subnet.tags["kubernetes.io/cluster/local"] == "shared"])
    error_message = "internal load balancers in private subnets"
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : subnet.tags["kubernetes.io/role/elb"] == "1" && !contains(keys(subnet.tags), "kubernetes.io/role/internal-elb")])
    error_message = "public ones in public subnets"
  }
}

run "nat_with_alarms" {
  command = plan

  variables {
    nat    = { kind = "gateway-per-zone" }
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms" }
  }

  assert {
    condition     = length(output.nat_addresses) == 3
    error_message = "an address for each zone"
  }

  assert {
    condition     = output.alarm_names == tolist([for zone in var.zones : "local-nat-ports-${zone}"])
    error_message = "an alarm for each gateway"
  }
}

run "nat_instance" {
  command = plan

  variables {
    nat = { kind = "instance", instance_type = "t4g.micro", renewed = "2026-11-20" }
  }

  assert {
    condition     = output.nat_addresses == tolist(["198.51.100.1"]) && output.alarm_names == tolist(["local-nat-reboot", "local-nat-recover"])
    error_message = "one address, and alarms that repair"
  }
}

run "refuses_a_range_too_small" {
  command = plan
  variables {
    address_range = "10.20.0.0/24"
  }
  expect_failures = [var.address_range]
}

run "refuses_a_public_range" {
  command = plan
  variables {
    address_range = "11.20.0.0/16"
  }
  expect_failures = [var.address_range]
}

run "refuses_a_range_from_its_middle" {
  command = plan
  variables {
    address_range = "10.20.1.0/16"
  }
  expect_failures = [var.address_range]
}

run "refuses_two_zones" {
  command = plan
  variables {
    zones = ["eu-central-1a", "eu-central-1b"]
  }
  expect_failures = [var.zones]
}

run "refuses_a_zone_twice" {
  command = plan
  variables {
    zones = ["eu-central-1a", "eu-central-1a", "eu-central-1b"]
  }
  expect_failures = [var.zones]
}

run "refuses_what_is_no_zone" {
  command = plan
  variables {
    zones = ["eu-central-1a", "eu-central-1b", "c"]
  }
  expect_failures = [var.zones]
}

run "refuses_zones_of_another_region" {
  command = plan
  variables {
    zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
  }
  expect_failures = [aws_vpc.this]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "Local"
  }
  expect_failures = [var.name]
}

run "refuses_unknown_nat" {
  command = plan
  variables {
    nat = { kind = "gateway" }
  }
  expect_failures = [var.nat]
}

run "refuses_nat_instance_of_another_architecture" {
  command = plan
  variables {
    nat = { kind = "instance", instance_type = "t3.nano" }
  }
  expect_failures = [var.nat]
}

run "refuses_a_date_that_is_none" {
  command = plan
  variables {
    nat = { kind = "instance", renewed = "yesterday" }
  }
  expect_failures = [var.nat]
}

run "refuses_renewing_a_gateway" {
  command = plan
  variables {
    nat = { kind = "gateway-single", renewed = "2026-11-20" }
  }
  expect_failures = [var.nat]
}

run "refuses_topic_that_is_none" {
  command = plan
  variables {
    alarms = { topic_arn = "alarms" }
  }
  expect_failures = [var.alarms]
}

run "refuses_odd_retention" {
  command = plan
  variables {
    flow_logs = { retention_days = 31 }
  }
  expect_failures = [var.flow_logs]
}

run "refuses_unknown_traffic" {
  command = plan
  variables {
    flow_logs = { traffic = "reject" }
  }
  expect_failures = [var.flow_logs]
}

run "refuses_odd_interval" {
  command = plan
  variables {
    flow_logs = { aggregation_seconds = 300 }
  }
  expect_failures = [var.flow_logs]
}

run "refuses_bad_cluster_name" {
  command = plan
  variables {
    kubernetes_cluster_name = "my cluster"
  }
  expect_failures = [var.kubernetes_cluster_name]
}

run "refuses_arn_as_bucket" {
  command = plan
  variables {
    writable_foreign_buckets = ["arn:aws:s3:::one"]
  }
  expect_failures = [var.writable_foreign_buckets]
}
