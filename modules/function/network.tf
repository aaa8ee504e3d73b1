# In a network Lambda makes itself interfaces under the function's role. The code runs under that
# role too and is denied what only Lambda needs; hence the ARN written out, before the function.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _networks = var.network == null ? [] : [var.network]

  _function_arn = join(":", [
    "arn", data.aws_partition.current.partition, "lambda",
    data.aws_region.current.name, data.aws_caller_identity.current.account_id, "function", var.name,
  ])

  # EC2 knows no resources for describing, and Lambda asks whether the role may do it to all.
  _interface_actions = [
    "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
  ]

  _network_statements = flatten([
    for network in local._networks : [
      { Sid = "LambdaMakesInterfaces", Effect = "Allow", Action = local._interface_actions, Resource = ["*"] },
      {
        Sid       = "CodeMakesNone"
        Effect    = "Deny"
        Action    = local._interface_actions
        Resource  = ["*"]
        Condition = { ArnEquals = { "lambda:SourceFunctionArn" = [local._function_arn] } }
      },
    ]
  ])
}
