locals {
  # DynamoDB wants the type of each attribute that is part of a key, and refuses to hear of others.
  _key_attributes = distinct(compact(flatten([
    var.keys.partition, var.keys.sort,
    [for index in var.indexes : [index.partition, index.sort]],
  ])))

  _is_provisioned = var.capacity.mode == "provisioned"
  _is_limited     = !local._is_provisioned && (var.capacity.read != null || var.capacity.write != null)

  # Copies are fed from the stream, which then carries both images.
  _stream = length(var.replica_regions) > 0 ? "NEW_AND_OLD_IMAGES" : var.stream
}

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119:Encrypted with DynamoDB's own key unless kms_key_arn names one, which costs for each request to KMS
  name     = var.name
  hash_key = var.keys.partition
  # An absent sort key has to be absent: "" is not null.
  range_key = var.keys.sort

  billing_mode   = local._is_provisioned ? "PROVISIONED" : "PAY_PER_REQUEST"
  read_capacity  = local._is_provisioned ? var.capacity.read : null
  write_capacity = local._is_provisioned ? var.capacity.write : null

  deletion_protection_enabled = !var.is_temporary

  stream_enabled   = local._stream != null
  stream_view_type = local._stream

  dynamic "attribute" {
    for_each = local._key_attributes

    content {
      name = attribute.value
      type = lookup(var.attributes, attribute.value, "S")
    }
  }

  dynamic "global_secondary_index" {
    for_each = var.indexes

    content {
      name               = global_secondary_index.key
      hash_key           = global_secondary_index.value.partition
      range_key          = global_secondary_index.value.sort
      projection_type    = global_secondary_index.value.projection
      non_key_attributes = global_secondary_index.value.non_key_attributes
      read_capacity      = local._is_provisioned ? var.capacity.read : null
      write_capacity     = local._is_provisioned ? var.capacity.write : null

      dynamic "on_demand_throughput" {
        for_each = local._is_limited ? { this = var.capacity } : {}

        content {
          max_read_request_units  = on_demand_throughput.value.read
          max_write_request_units = on_demand_throughput.value.write
        }
      }
    }
  }

  dynamic "on_demand_throughput" {
    for_each = local._is_limited ? { this = var.capacity } : {}

    content {
      max_read_request_units  = on_demand_throughput.value.read
      max_write_request_units = on_demand_throughput.value.write
    }
  }

  # The provider overlooks a block that is gone, and AWS wants the attribute's name even to stop
  # expiry: hence is_enabled.
  dynamic "ttl" {
    for_each = var.expiry == null ? [] : [var.expiry]

    content {
      enabled        = ttl.value.is_enabled
      attribute_name = ttl.value.attribute
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  # Without the block DynamoDB encrypts with a key of its own, free of charge.
  dynamic "server_side_encryption" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]

    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value
    }
  }

  dynamic "replica" {
    for_each = var.replica_regions

    content {
      region_name            = replica.key
      kms_key_arn            = replica.value.kms_key_arn
      point_in_time_recovery = true
      propagate_tags         = true
    }
  }
}
