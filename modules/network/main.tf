data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _account_id = data.aws_caller_identity.current.account_id
  _region     = data.aws_region.current.name
  _arn        = "arn:${data.aws_partition.current.partition}"

  # Three quarters of the range are private, as every pod takes an address; the last quarter
  # holds three small public subnets, and twelve more of their size that are kept free.
  _private_ranges = { for index, zone in var.zones : zone => cidrsubnet(var.address_range, 2, index) }
  _public_ranges  = { for index, zone in var.zones : zone => cidrsubnet(cidrsubnet(var.address_range, 2, 3), 4, index) }

  # How Kubernetes' load balancer controller finds its subnets.
  # https://docs.aws.amazon.com/eks/latest/userguide/network-load-balancing.html
  _cluster_tags = var.kubernetes_cluster_name == null ? {} : {
    "kubernetes.io/cluster/${var.kubernetes_cluster_name}" = "shared"
  }
  _private_tags = var.kubernetes_cluster_name == null ? {} : { "kubernetes.io/role/internal-elb" = "1" }
  _public_tags  = var.kubernetes_cluster_name == null ? {} : { "kubernetes.io/role/elb" = "1" }
}

resource "aws_vpc" "this" {
  #checkov:skip=CKV2_AWS_11:Flow logs are an optional part; flow_logs.tf makes them
  cidr_block           = var.address_range
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = { Name = var.name }

  lifecycle {
    precondition {
      condition     = alltrue([for zone in var.zones : startswith(zone, local._region)])
      error_message = "zones: write three zones of ${local._region}, the provider's region, such as ${local._region}a."
    }
  }
}

# Taken over to take its rules away: whatever names no group of its own then reaches nothing.
# Left out instead of empty, rules that somebody adds by hand would stay.
resource "aws_default_security_group" "this" {
  vpc_id  = aws_vpc.this.id
  ingress = []
  egress  = []

  tags = { Name = "${var.name}-default-without-rules" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.name }
}

resource "aws_subnet" "private" {
  for_each = local._private_ranges

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = each.value

  tags = merge(local._cluster_tags, local._private_tags, { Name = "${var.name}-private-${each.key}" })
}

# No address by default: load balancers and NAT bring their own, and nothing else belongs here.
resource "aws_subnet" "public" {
  for_each = local._public_ranges

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false

  tags = merge(local._cluster_tags, local._public_tags, { Name = "${var.name}-public-${each.key}" })
}
