# Two roles: with the one ECS fetches the image and writes the log, with the other the job works.
locals {
  _aws = "arn:${data.aws_partition.current.partition}"

  # Only for tasks of this account: the service would act for any.
  _trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        ArnLike      = { "aws:SourceArn" = "${local._aws}:ecs:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:*" }
      }
    }]
  })

  # The repository, when the image is in ECR; other registries are asked without credentials.
  _repositories = [
    for found in regexall("^([0-9]{12})[.]dkr[.]ecr[.]([a-z0-9-]+)[.]amazonaws[.]com/([^:@]+)", var.job.image) :
    "${local._aws}:ecr:${found[1]}:${found[0]}:repository/${found[2]}"
  ]

  # A secret's ARN may go on with a JSON key and a version.
  _secrets = {
    for action, service in { "secretsmanager:GetSecretValue" = "secretsmanager", "ssm:GetParameters" = "ssm" } :
    action => sort(distinct([
      for arn in values(var.job.secrets) : join(":", slice(split(":", arn), 0, min(7, length(split(":", arn)))))
      if split(":", arn)[2] == service
    ]))
  }

  _execution_statements = concat(
    [{ Sid = "WriteLog", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = ["${var.log_group.arn}:*"] }],
    # ECR knows no resources for its token.
    [for repository in local._repositories : { Sid = "LogInToRegistry", Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] }],
    [for repository in local._repositories : {
      Sid      = "FetchImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = [repository]
    }],
    [for action, arns in local._secrets : {
      Sid      = "Read${title(split(":", action)[0])}"
      Effect   = "Allow"
      Action   = [action]
      Resource = arns
    } if length(arns) > 0],
  )

  _job_statements = [
    for name, statement in var.job.policy_statements : merge(
      {
        Sid      = replace(title(replace(name, "_", " ")), " ", "")
        Effect   = "Allow"
        Action   = sort(statement.actions)
        Resource = sort(statement.resources)
      },
      length(statement.condition) == 0 ? null : { Condition = statement.condition },
    )
  ]
}

resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  description        = "What ECS may do to start the job ${var.name}."
  assume_role_policy = local._trust
}

resource "aws_iam_role_policy" "execution" {
  name   = "execution"
  role   = aws_iam_role.execution.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local._execution_statements })
}

resource "aws_iam_role" "job" {
  name               = var.name
  description        = "What the job ${var.name} may do."
  assume_role_policy = local._trust
}

resource "aws_iam_role_policy" "job" {
  for_each = { for statements in [local._job_statements] : "this" => statements if length(statements) > 0 }

  name   = "job"
  role   = aws_iam_role.job.id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })
}
