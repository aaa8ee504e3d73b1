data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

# A registry, which is an account in a region, has exactly one of these, whoever sets it.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
resource "aws_ecr_replication_configuration" "this" {
  for_each = length(var.replicate_to) == 0 ? {} : { this = sort(var.replicate_to) }

  replication_configuration {
    rule {
      dynamic "destination" {
        for_each = each.value

        content {
          region      = destination.value
          registry_id = data.aws_caller_identity.current.account_id
        }
      }

      # Without filters the whole registry would go, other people's repositories too.
      dynamic "repository_filter" {
        for_each = sort([for repository in aws_ecr_repository.this : repository.name])

        content {
          filter      = repository_filter.value
          filter_type = "PREFIX_MATCH"
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = !contains(each.value, data.aws_region.current.name)
      error_message = "replicate_to: ${data.aws_region.current.name} is where the images come from; name other regions only."
    }
  }
}
