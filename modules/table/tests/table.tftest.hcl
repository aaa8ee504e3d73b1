# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_dynamodb_table" {
    defaults = { stream_arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/local-jobs/stream/one" }
  }
}

variables {
  name = "local-jobs"
  keys = { partition = "user" }
}

run "encrypted_recoverable_and_protected" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.name == "local-jobs" && aws_dynamodb_table.this.hash_key == "user" && aws_dynamodb_table.this.range_key == null
    error_message = "one key attribute"
  }

  assert {
    condition     = [for attribute in aws_dynamodb_table.this.attribute : "${attribute.name} ${attribute.type}"] == ["user S"]
    error_message = "which is text"
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST" && length(aws_dynamodb_table.this.on_demand_throughput) == 0
    error_message = "paid for by request, without a limit"
  }

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "nobody deletes it by mistake"
  }

  assert {
    condition     = one(aws_dynamodb_table.this.point_in_time_recovery).enabled
    error_message = "recoverable"
  }

  assert {
    condition     = aws_dynamodb_table.this.stream_enabled == false && output.table.stream_arn == null
    error_message = "no stream"
  }

  assert {
    condition     = length(aws_dynamodb_table.this.server_side_encryption) + length(aws_dynamodb_table.this.ttl) + length(aws_dynamodb_table.this.replica) + length(aws_dynamodb_table.this.global_secondary_index) + length(aws_cloudwatch_metric_alarm.this) == 0
    error_message = "optional parts are left out"
  }
}

run "temporary_table_may_be_deleted" {
  command = plan

  variables {
    is_temporary = true
  }

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled == false
    error_message = "not protected"
  }
}

run "own_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/one"
  }

  assert {
    condition     = one(aws_dynamodb_table.this.server_side_encryption) == { enabled = true, kms_key_arn = var.kms_key_arn }
    error_message = "encrypted with the key given"
  }
}

run "keys_and_indexes" {
  command = plan

  variables {
    keys       = { partition = "user", sort = "started-at" }
    attributes = { started-at = "N" }
    indexes = {
      by-state = { partition = "state", sort = "started-at" }
      by-name  = { partition = "name", projection = "INCLUDE", non_key_attributes = ["score"] }
    }
  }

  assert {
    condition     = { for attribute in aws_dynamodb_table.this.attribute : attribute.name => attribute.type } == { user = "S", started-at = "N", state = "S", name = "S" }
    error_message = "each key attribute once, with its type"
  }

  assert {
    condition     = { for index in aws_dynamodb_table.this.global_secondary_index : index.name => join(" ", [index.hash_key, coalesce(index.range_key, "-"), index.projection_type]) } == { by-state = "state started-at ALL", by-name = "name - INCLUDE" }
    error_message = "two indexes"
  }
}

run "stream_and_expiry" {
  command = plan

  variables {
    stream = "NEW_IMAGE"
    expiry = { attribute = "expires-at" }
  }

  assert {
    condition     = aws_dynamodb_table.this.stream_enabled && aws_dynamodb_table.this.stream_view_type == "NEW_IMAGE" && endswith(output.table.stream_arn, "stream/one")
    error_message = "a stream of new images"
  }

  assert {
    condition     = one(aws_dynamodb_table.this.ttl).enabled && one(aws_dynamodb_table.this.ttl).attribute_name == "expires-at"
    error_message = "items expire"
  }
}

run "expiry_is_stopped" {
  command = plan

  variables {
    expiry = { attribute = "expires-at", is_enabled = false }
  }

  assert {
    condition     = one(aws_dynamodb_table.this.ttl).enabled == false && one(aws_dynamodb_table.this.ttl).attribute_name == "expires-at"
    error_message = "said, and not left out"
  }
}

run "limited" {
  command = plan

  variables {
    capacity = { read = 100, write = 50 }
    indexes  = { by-state = { partition = "state" } }
  }

  assert {
    condition     = one(aws_dynamodb_table.this.on_demand_throughput) == { max_read_request_units = 100, max_write_request_units = 50 }
    error_message = "a ceiling for the table"
  }

  assert {
    condition     = one(one(aws_dynamodb_table.this.global_secondary_index).on_demand_throughput).max_write_request_units == 50
    error_message = "and for the index"
  }
}

run "provisioned" {
  command = plan

  variables {
    capacity = { mode = "provisioned", read = 5, write = 2 }
    indexes  = { by-state = { partition = "state" } }
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PROVISIONED" && aws_dynamodb_table.this.read_capacity == 5 && aws_dynamodb_table.this.write_capacity == 2
    error_message = "paid for by the hour"
  }

  assert {
    condition     = one(aws_dynamodb_table.this.global_secondary_index).read_capacity == 5 && length(aws_dynamodb_table.this.on_demand_throughput) == 0
    error_message = "the index too, and without a ceiling besides"
  }
}

run "copies_in_other_regions" {
  command = plan

  variables {
    kms_key_arn     = "arn:aws:kms:eu-central-1:000000000000:key/one"
    replica_regions = { us-east-1 = { kms_key_arn = "arn:aws:kms:us-east-1:000000000000:key/two" } }
    alarms          = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", replication_delay_seconds = 30 }
  }

  assert {
    condition     = one(aws_dynamodb_table.this.replica).region_name == "us-east-1" && endswith(one(aws_dynamodb_table.this.replica).kms_key_arn, "key/two")
    error_message = "a copy under its own key"
  }

  assert {
    condition     = one(aws_dynamodb_table.this.replica).point_in_time_recovery && one(aws_dynamodb_table.this.replica).propagate_tags
    error_message = "recoverable and tagged as well"
  }

  assert {
    condition     = aws_dynamodb_table.this.stream_view_type == "NEW_AND_OLD_IMAGES"
    error_message = "fed from the stream"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["local-jobs-us-east-1-delay"].threshold == 30000 && aws_cloudwatch_metric_alarm.this["local-jobs-us-east-1-delay"].dimensions["ReceivingRegion"] == "us-east-1"
    error_message = "and an alarm, in milliseconds, for one that is behind"
  }
}

run "alarms" {
  command = plan

  variables {
    indexes = { by-state = { partition = "state" } }
    alarms  = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", throttled_requests = 3 }
  }

  assert {
    condition = output.alarm_names == tolist([
      "local-jobs-by-state-read-throttles", "local-jobs-by-state-write-throttles",
      "local-jobs-read-throttles", "local-jobs-write-throttles",
    ])
    error_message = "two for the table and two for its index"
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.threshold == 3 && alarm.alarm_actions == toset([var.alarms.topic_arn])])
    error_message = "they tell the topic"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["local-jobs-by-state-write-throttles"].dimensions == tomap({ TableName = "local-jobs", GlobalSecondaryIndexName = "by-state" }) && aws_cloudwatch_metric_alarm.this["local-jobs-by-state-write-throttles"].metric_name == "WriteThrottleEvents"
    error_message = "of the index, when it writes too slowly"
  }
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = "jobs/one"
  }
  expect_failures = [var.name]
}

run "refuses_two_equal_keys" {
  command = plan
  variables {
    keys = { partition = "user", sort = "user" }
  }
  expect_failures = [var.keys]
}

run "refuses_key_without_name" {
  command = plan
  variables {
    keys = { partition = "" }
  }
  expect_failures = [var.keys]
}

run "refuses_unknown_type" {
  command = plan
  variables {
    attributes = { user = "string" }
  }
  expect_failures = [var.attributes]
}

run "refuses_type_of_what_is_no_key" {
  command = plan
  variables {
    attributes = { score = "N" }
  }
  expect_failures = [var.attributes]
}

run "refuses_unknown_mode" {
  command = plan
  variables {
    capacity = { mode = "serverless" }
  }
  expect_failures = [var.capacity]
}

run "refuses_half_a_provision" {
  command = plan
  variables {
    capacity = { mode = "provisioned", read = 5 }
  }
  expect_failures = [var.capacity]
}

run "refuses_no_capacity_at_all" {
  command = plan
  variables {
    capacity = { read = 0 }
  }
  expect_failures = [var.capacity]
}

run "refuses_expiry_without_name" {
  command = plan
  variables {
    expiry = { attribute = "" }
  }
  expect_failures = [var.expiry]
}

run "refuses_bad_name_of_an_index" {
  command = plan
  variables {
    indexes = { i = { partition = "state" } }
  }
  expect_failures = [var.indexes]
}

run "refuses_too_many_indexes" {
  command = plan
  variables {
    indexes = { for number in range(21) : "index-${number}" => { partition = "state" } }
  }
  expect_failures = [var.indexes]
}

run "refuses_unknown_projection" {
  command = plan
  variables {
    indexes = { by-state = { partition = "state", projection = "SOME" } }
  }
  expect_failures = [var.indexes]
}

run "refuses_include_of_nothing" {
  command = plan
  variables {
    indexes = { by-state = { partition = "state", projection = "INCLUDE" } }
  }
  expect_failures = [var.indexes]
}

run "refuses_attributes_that_all_carries_anyway" {
  command = plan
  variables {
    indexes = { by-state = { partition = "state", non_key_attributes = ["score"] } }
  }
  expect_failures = [var.indexes]
}

run "refuses_alias_of_a_key" {
  command = plan
  variables {
    kms_key_arn = "alias/one"
  }
  expect_failures = [var.kms_key_arn]
}

run "refuses_what_is_no_region" {
  command = plan
  variables {
    replica_regions = { Virginia = {} }
  }
  expect_failures = [var.replica_regions]
}

run "refuses_copy_without_its_key" {
  command = plan
  variables {
    kms_key_arn     = "arn:aws:kms:eu-central-1:000000000000:key/one"
    replica_regions = { us-east-1 = {} }
  }
  expect_failures = [var.replica_regions]
}

run "refuses_copy_slower_than_the_table" {
  command = plan
  variables {
    capacity        = { mode = "provisioned", read = 1, write = 1 }
    replica_regions = { us-east-1 = {} }
  }
  expect_failures = [var.replica_regions]
}

run "refuses_unknown_stream" {
  command = plan
  variables {
    stream = "ALL"
  }
  expect_failures = [var.stream]
}

run "refuses_stream_that_feeds_no_copy" {
  command = plan
  variables {
    stream          = "KEYS_ONLY"
    replica_regions = { us-east-1 = {} }
  }
  expect_failures = [var.stream]
}

run "refuses_negative_alarm" {
  command = plan
  variables {
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", throttled_requests = -1 }
  }
  expect_failures = [var.alarms]
}

run "refuses_impatient_alarm" {
  command = plan
  variables {
    alarms = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms", replication_delay_seconds = 1 }
  }
  expect_failures = [var.alarms]
}
