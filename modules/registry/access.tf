locals {
  _pull_actions = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
  ]

  # A client that pushes first asks which layers are there, and reads back what it wrote.
  _push_actions = concat(local._pull_actions, [
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
  ])

  _statements = {
    for key, repository in var.repositories : key => concat(
      [for arns in [sort(repository.pull_principal_arns)] : {
        Sid       = "Pull"
        Effect    = "Allow"
        Principal = { AWS = arns }
        Action    = local._pull_actions
      } if length(arns) > 0],
      [for arns in [sort(repository.push_principal_arns)] : {
        Sid       = "Push"
        Effect    = "Allow"
        Principal = { AWS = arns }
        Action    = sort(local._push_actions)
      } if length(arns) > 0],
    )
  }
}

# A repository without named principals has no policy: the account's own roles use it by theirs.
resource "aws_ecr_repository_policy" "this" {
  for_each = { for key, statements in local._statements : key => statements if length(statements) > 0 }

  repository = aws_ecr_repository.this[each.key].name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = each.value
  })
}
