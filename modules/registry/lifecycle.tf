locals {
  # ECR goes through the rules by priority, and "any" has to come last.
  _lifecycle_rules = {
    for key, repository in var.repositories : key => concat(
      [{
        rulePriority = 1
        description  = "Images that lost their tag, or never had one, end after ${repository.untagged_days} days."
        selection = {
          tagStatus   = "untagged"
          countType   = "sinceImagePushed"
          countUnit   = "days"
          countNumber = repository.untagged_days
        }
        action = { type = "expire" }
      }],
      [for number in [repository.keep_images] : {
        rulePriority = 2
        description  = "The newest ${number} images are kept."
        selection = {
          tagStatus   = "any"
          countType   = "imageCountMoreThan"
          countNumber = number
        }
        action = { type = "expire" }
      } if number != null],
    )
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = var.repositories

  repository = aws_ecr_repository.this[each.key].name
  policy     = jsonencode({ rules = local._lifecycle_rules[each.key] })
}
