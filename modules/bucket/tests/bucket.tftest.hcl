# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::example-000000000000" }
  }
}

variables {
  name = "example-000000000000"
}

run "is_private_encrypted_and_versioned" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "every kind of public access is blocked"
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.this.rule).object_ownership == "BucketOwnerEnforced"
    error_message = "the account owns what others write"
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.this.versioning_configuration).status == "Enabled"
    error_message = "versioned"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "encrypted with S3's keys"
  }

  assert {
    condition     = [for s in jsondecode(aws_s3_bucket_policy.this.policy).Statement : s.Sid] == ["TlsOnly"]
    error_message = "TLS only, and nothing else by default"
  }

  assert {
    condition     = aws_s3_bucket.this.force_destroy == false && aws_s3_bucket.this.object_lock_enabled == false
    error_message = "not emptied by Terraform, no lock by default"
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id] == ["abort-incomplete-uploads"]
    error_message = "broken uploads are cleared, nothing else happens by itself"
  }

  assert {
    condition     = length(aws_s3_bucket_logging.this) + length(aws_s3_bucket_notification.this) + length(aws_s3_bucket_object_lock_configuration.this) == 0
    error_message = "optional parts are left out"
  }
}

run "temporary_bucket_may_be_emptied" {
  command = plan

  variables {
    is_temporary = true
  }

  assert {
    condition     = aws_s3_bucket.this.force_destroy
    error_message = "Terraform may empty it"
  }
}

run "own_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/one"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn
    error_message = "encrypted with the key given"
  }
}

run "object_lock" {
  command = plan

  variables {
    object_lock = { mode = "COMPLIANCE", days = 30 }
  }

  assert {
    condition     = aws_s3_bucket.this.object_lock_enabled
    error_message = "the lock is on from the beginning"
  }

  assert {
    condition     = one(one(aws_s3_bucket_object_lock_configuration.this["this"].rule).default_retention).days == 30
    error_message = "kept as long as was said"
  }
}

run "write_once" {
  command = plan

  variables {
    write_once = { settings_denied_to = ["arn:aws:iam::000000000000:role/worker"] }
  }

  assert {
    condition     = [for s in jsondecode(aws_s3_bucket_policy.this.policy).Statement : s.Sid] == ["TlsOnly", "NoObjectIsWrittenTwice", "NothingIsDeleted", "SettingsAreOutOfReach"]
    error_message = "four statements"
  }

  assert {
    condition     = alltrue([for s in jsondecode(aws_s3_bucket_policy.this.policy).Statement : s.Effect == "Deny"])
    error_message = "the bucket's policy only forbids"
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[1].Condition == { Bool = { "s3:ObjectCreationOperation" = "true" }, Null = { "s3:if-none-match" = "true" } }
    error_message = "writes need If-None-Match, parts of an upload do not"
  }

  assert {
    condition     = !contains(keys(jsondecode(aws_s3_bucket_policy.this.policy).Statement[2]), "Condition")
    error_message = "without break-glass principals nobody at all may delete"
  }

  assert {
    condition     = !contains(jsondecode(aws_s3_bucket_policy.this.policy).Statement[2].Action, "s3:DeleteBucket")
    error_message = "an empty bucket can be removed by Terraform"
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[3].Condition.ArnLike["aws:PrincipalArn"] == ["arn:aws:iam::000000000000:role/worker"]
    error_message = "workers may not lift the rules"
  }
}

run "break_glass" {
  command = plan

  variables {
    write_once = { break_glass_principal_arns = ["arn:aws:iam::000000000000:role/break-glass"] }
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[2].Condition.ArnNotLike["aws:PrincipalArn"] == ["arn:aws:iam::000000000000:role/break-glass"]
    error_message = "only the named principal may delete"
  }

  assert {
    condition     = length(jsondecode(aws_s3_bucket_policy.this.policy).Statement) == 3
    error_message = "no rule about settings when nobody is named"
  }
}

run "lifecycle" {
  command = plan

  variables {
    lifecycle_rules = {
      age    = { transitions = { GLACIER_IR = 30, DEEP_ARCHIVE = 180 } }
      forget = { prefix = "tmp/", expire_days = 7, noncurrent_expire_days = 1 }
    }
  }

  assert {
    condition     = { for t in aws_s3_bucket_lifecycle_configuration.this.rule[1].transition : t.storage_class => t.days } == { GLACIER_IR = 30, DEEP_ARCHIVE = 180 }
    error_message = "ages into the archive"
  }

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.this.rule[2].expiration).days == 7
    error_message = "forgets"
  }
}

run "access_log_and_notifications" {
  command = plan

  variables {
    access_log = { bucket = "logs-000000000000", prefix = "example/" }
    notifications = {
      eventbridge = true
      queues      = { ingest = { arn = "arn:aws:sqs:eu-central-1:000000000000:ingest", prefix = "in/" } }
    }
  }

  assert {
    condition     = aws_s3_bucket_logging.this["this"].target_bucket == "logs-000000000000"
    error_message = "writes its access log"
  }

  assert {
    condition     = aws_s3_bucket_notification.this["this"].eventbridge && one(aws_s3_bucket_notification.this["this"].queue).filter_prefix == "in/"
    error_message = "tells EventBridge and the queue"
  }
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "Not_A_Bucket"
  }
  expect_failures = [var.name]
}

run "refuses_bad_lock" {
  command = plan
  variables {
    object_lock = { mode = "FOREVER", days = 0 }
  }
  expect_failures = [var.object_lock]
}

run "refuses_unknown_class" {
  command = plan
  variables {
    lifecycle_rules = { age = { transitions = { ICE = 1 } } }
  }
  expect_failures = [var.lifecycle_rules]
}

run "refuses_transition_after_expiry" {
  command = plan
  variables {
    lifecycle_rules = { age = { transitions = { GLACIER_IR = 30 }, expire_days = 30 } }
  }
  expect_failures = [var.lifecycle_rules]
}

run "refuses_deep_archive_too_soon" {
  command = plan
  variables {
    lifecycle_rules = { age = { transitions = { GLACIER_IR = 30, DEEP_ARCHIVE = 60 } } }
  }
  expect_failures = [var.lifecycle_rules]
}

run "refuses_rule_that_does_nothing" {
  command = plan
  variables {
    lifecycle_rules = { idle = {} }
  }
  expect_failures = [var.lifecycle_rules]
}

run "refuses_immediate_abort" {
  command = plan
  variables {
    abort_incomplete_uploads_days = 0
  }
  expect_failures = [var.abort_incomplete_uploads_days]
}

run "refuses_bare_names_as_principals" {
  command = plan
  variables {
    write_once = { break_glass_principal_arns = ["somebody"] }
  }
  expect_failures = [var.write_once]
}

run "a_service_may_read" {
  command = plan

  variables {
    readers = {
      cloud-front = { service = "cloudfront.amazonaws.com", source_arn = "arn:aws:cloudfront::000000000000:distribution/E1" }
    }
  }

  assert {
    condition     = [for s in jsondecode(aws_s3_bucket_policy.this.policy).Statement : s.Sid] == ["TlsOnly", "ReadCloudFront"]
    error_message = "one statement for each reader"
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.this.policy).Statement[1] == {
      Sid       = "ReadCloudFront"
      Effect    = "Allow"
      Principal = { Service = "cloudfront.amazonaws.com" }
      Action    = "s3:GetObject"
      Resource  = "arn:aws:s3:::example-000000000000/*"
      Condition = { ArnLike = { "aws:SourceArn" = "arn:aws:cloudfront::000000000000:distribution/E1" } }
    }
    error_message = "it reads objects, for one distribution, and lists nothing"
  }
}

run "refuses_principals_as_readers" {
  command = plan
  variables {
    readers = { everybody = { service = "*", source_arn = "*" } }
  }
  expect_failures = [var.readers]
}

run "refuses_bad_names_of_readers" {
  command = plan
  variables {
    readers = { CloudFront = { service = "cloudfront.amazonaws.com", source_arn = "arn:aws:cloudfront::000000000000:distribution/E1" } }
  }
  expect_failures = [var.readers]
}
