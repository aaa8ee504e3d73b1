# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
}

variables {
  prefix       = "local-"
  repositories = { preprocessing = { description = "Steps that run on Batch" } }
}

run "immutable_scanned_and_encrypted" {
  command = plan

  assert {
    condition     = aws_ecr_repository.this["preprocessing"].name == "local-preprocessing" && aws_ecr_repository.this["preprocessing"].tags.description == "Steps that run on Batch"
    error_message = "named after its key, with its description"
  }

  assert {
    condition     = aws_ecr_repository.this["preprocessing"].image_tag_mutability == "IMMUTABLE"
    error_message = "a tag never changes"
  }

  assert {
    condition     = one(aws_ecr_repository.this["preprocessing"].image_scanning_configuration).scan_on_push
    error_message = "scanned when pushed"
  }

  assert {
    condition     = one(aws_ecr_repository.this["preprocessing"].encryption_configuration).encryption_type == "AES256"
    error_message = "encrypted with ECR's keys"
  }

  assert {
    condition     = aws_ecr_repository.this["preprocessing"].force_delete == false
    error_message = "Terraform does not throw images away"
  }

  assert {
    condition = jsondecode(aws_ecr_lifecycle_policy.this["preprocessing"].policy).rules == [{
      rulePriority = 1
      description  = "Images that lost their tag, or never had one, end after 7 days."
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 7 }
      action       = { type = "expire" }
    }]
    error_message = "only images without a tag end by themselves"
  }

  assert {
    condition     = length(aws_ecr_repository_policy.this) + length(aws_ecr_replication_configuration.this) == 0
    error_message = "optional parts are left out"
  }

  assert {
    condition     = output.repositories["preprocessing"].name == "local-preprocessing"
    error_message = "and it is told under its key"
  }
}

run "temporary_repositories_go_with_their_images" {
  command = plan

  variables {
    is_temporary = true
  }

  assert {
    condition     = aws_ecr_repository.this["preprocessing"].force_delete
    error_message = "Terraform may delete them"
  }
}

run "own_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/one"
  }

  assert {
    condition     = one(aws_ecr_repository.this["preprocessing"].encryption_configuration) == { encryption_type = "KMS", kms_key = var.kms_key_arn }
    error_message = "encrypted with the key given"
  }
}

run "few_are_kept" {
  command = plan

  variables {
    repositories = { preprocessing = { description = "Steps", keep_images = 20, untagged_days = 3 } }
  }

  assert {
    condition     = [for rule in jsondecode(aws_ecr_lifecycle_policy.this["preprocessing"].policy).rules : rule.selection.countNumber] == [3, 20]
    error_message = "days first, then the number"
  }

  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.this["preprocessing"].policy).rules[1].selection.tagStatus == "any"
    error_message = "the rule about all of them is the last"
  }
}

run "who_pulls_and_who_pushes" {
  command = plan

  variables {
    prefix = ""
    repositories = {
      mine = { description = "For nobody else" }
      pulled = {
        description         = "For a colleague"
        pull_principal_arns = ["arn:aws:iam::111111111111:root"]
      }
      pushed = {
        description         = "From a build"
        push_principal_arns = ["arn:aws:iam::000000000000:role/build", "arn:aws:iam::000000000000:role/another"]
      }
    }
  }

  assert {
    condition     = keys(aws_ecr_repository_policy.this) == ["pulled", "pushed"]
    error_message = "no policy where nobody is named"
  }

  assert {
    condition = jsondecode(aws_ecr_repository_policy.this["pulled"].policy).Statement == [{
      Sid       = "Pull"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::111111111111:root"] }
      Action    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    }]
    error_message = "who pulls writes nothing"
  }

  assert {
    condition     = jsondecode(aws_ecr_repository_policy.this["pushed"].policy).Statement[0].Principal.AWS == ["arn:aws:iam::000000000000:role/another", "arn:aws:iam::000000000000:role/build"]
    error_message = "those named push, in an order of their own"
  }

  assert {
    condition     = contains(jsondecode(aws_ecr_repository_policy.this["pushed"].policy).Statement[0].Action, "ecr:PutImage") && length(jsondecode(aws_ecr_repository_policy.this["pushed"].policy).Statement[0].Action) == 7
    error_message = "by the seven actions of a push"
  }
}

run "copies_in_another_region" {
  command = plan

  variables {
    replicate_to = ["us-east-1", "eu-west-1"]
  }

  assert {
    condition     = [for destination in one(one(aws_ecr_replication_configuration.this["this"].replication_configuration).rule).destination : destination.region] == ["eu-west-1", "us-east-1"]
    error_message = "both regions, sorted"
  }

  assert {
    condition     = alltrue([for destination in one(one(aws_ecr_replication_configuration.this["this"].replication_configuration).rule).destination : destination.registry_id == "000000000000"])
    error_message = "of this account"
  }

  assert {
    condition     = one(one(one(aws_ecr_replication_configuration.this["this"].replication_configuration).rule).repository_filter) == { filter = "local-preprocessing", filter_type = "PREFIX_MATCH" }
    error_message = "these repositories and no others"
  }
}

run "refuses_a_copy_at_home" {
  command = plan
  variables {
    replicate_to = ["eu-central-1"]
  }
  expect_failures = [aws_ecr_replication_configuration.this]
}

run "refuses_what_is_no_region" {
  command = plan
  variables {
    replicate_to = ["Frankfurt"]
  }
  expect_failures = [var.replicate_to]
}

run "refuses_too_many_regions" {
  command = plan
  variables {
    replicate_to = [for number in range(26) : "xx-${join("", [for digit in split("", tostring(number)) : substr("abcdefghij", tonumber(digit), 1)])}-1"]
  }
  expect_failures = [var.replicate_to]
}

run "refuses_to_copy_the_whole_registry" {
  command = plan
  variables {
    repositories = {}
    replicate_to = ["us-east-1"]
  }
  expect_failures = [var.replicate_to]
}

run "refuses_bad_prefix" {
  command = plan
  variables {
    prefix = "Local-"
  }
  expect_failures = [var.prefix]
}

run "refuses_alias_of_a_key" {
  command = plan
  variables {
    kms_key_arn = "alias/one"
  }
  expect_failures = [var.kms_key_arn]
}

run "refuses_bad_name" {
  command = plan
  variables {
    repositories = { "Leaderboard--20" = { description = "Submissions" } }
  }
  expect_failures = [var.repositories]
}

run "refuses_short_name" {
  command = plan
  variables {
    prefix       = ""
    repositories = { a = { description = "Submissions" } }
  }
  expect_failures = [var.repositories]
}

run "refuses_description_that_is_no_tag" {
  command = plan
  variables {
    repositories = { preprocessing = { description = "Steps; and more" } }
  }
  expect_failures = [var.repositories]
}

run "refuses_to_keep_nothing" {
  command = plan
  variables {
    repositories = { preprocessing = { description = "Steps", keep_images = 0 } }
  }
  expect_failures = [var.repositories]
}

run "refuses_to_drop_what_is_being_pushed" {
  command = plan
  variables {
    repositories = { preprocessing = { description = "Steps", untagged_days = 0 } }
  }
  expect_failures = [var.repositories]
}

run "refuses_everybody" {
  command = plan
  variables {
    repositories = { preprocessing = { description = "Steps", pull_principal_arns = ["*"] } }
  }
  expect_failures = [var.repositories]
}
