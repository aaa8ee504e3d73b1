# Who may do what with raw data. No role here or elsewhere is granted a delete; the bucket's own
# policy would refuse it as well.
locals {
  _raw_objects  = "${module.raw.bucket.arn}/*"
  _read_actions = ["s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectVersion", "s3:GetObjectVersionAttributes"]

  _read_raw = { read_raw = { actions = local._read_actions, resources = [local._raw_objects] } }

  # Without it a missing object answers 403 and looks like a broken role.
  _list_raw = { list_raw = { actions = ["s3:ListBucket"], resources = [module.raw.bucket.arn] } }

  _start_ingest        = { start_ingest = { actions = ["sqs:SendMessage"], resources = [module.queue.queue.arn] } }
  _start_preprocessing = { start_preprocessing = { actions = ["sqs:SendMessage"], resources = [var.preprocess_queue.arn] } }

  _use_key = {
    for arn in compact([var.storage.kms_key_arn]) :
    "use_key" => { actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [arn] }
  }

  # For the function that answers requests: it signs addresses, and an address can do what the
  # role that signed it can do, and no more.
  _serve = merge(local._read_raw, local._list_raw, local._start_ingest, local._use_key, {
    upload_raw = {
      actions   = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"]
      resources = [local._raw_objects]
    }
    list_uploads = { actions = ["s3:ListBucketMultipartUploads"], resources = [module.raw.bucket.arn] }
  })
}
