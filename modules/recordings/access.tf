# Who may do what. No role here or elsewhere is granted a delete on raw data; the bucket's own
# policy would refuse it as well.
locals {
  _raw_objects       = "${module.raw.bucket.arn}/*"
  _processed_objects = "${module.processed.bucket.arn}/*"

  _read_raw = {
    read_raw = {
      actions   = ["s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectVersion", "s3:GetObjectVersionAttributes"]
      resources = [local._raw_objects]
    }
  }

  # Without it a missing object answers 403 and looks like a broken role.
  _list_raw = {
    list_raw = { actions = ["s3:ListBucket"], resources = [module.raw.bucket.arn] }
  }

  _write_processed = {
    write_processed = {
      actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectVersion", "s3:PutObject"]
      resources = [local._processed_objects]
    }
    list_processed = { actions = ["s3:ListBucket"], resources = [module.processed.bucket.arn] }
  }

  _start_ingest = {
    start_ingest = { actions = ["sqs:SendMessage"], resources = [module.queue["ingest_recording"].queue.arn] }
  }

  _start_preprocessing = {
    start_preprocessing = { actions = ["sqs:SendMessage"], resources = [module.queue["preprocess_recording"].queue.arn] }
  }

  # SubmitJob is checked against the definition with and without its revision.
  _run_step = {
    copy     = {}
    function = { run_step = { actions = ["lambda:InvokeFunction"], resources = compact([var.processing_step.function_arn]) } }
    batch = { run_step = { actions = ["batch:SubmitJob"], resources = compact([
      var.processing_step.job_queue_arn,
      var.processing_step.job_definition_arn,
      try("${replace(var.processing_step.job_definition_arn, "/:[0-9]+$/", "")}:*", null),
    ]) } }
  }[var.processing_step.kind]

  _use_key = {
    for arn in compact([var.storage.kms_key_arn]) :
    "use_key" => { actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [arn] }
  }

  # For the function that answers requests: it signs addresses, and an address can do what the
  # role that signed it can do, and no more.
  _serve = merge(local._start_ingest, local._list_raw, local._use_key, {
    upload_raw = {
      actions   = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject"]
      resources = [local._raw_objects]
    }
    list_uploads = { actions = ["s3:ListBucketMultipartUploads"], resources = [module.raw.bucket.arn] }
    read_recordings = {
      actions   = ["s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectVersion", "s3:GetObjectVersionAttributes"]
      resources = [local._processed_objects, local._raw_objects]
    }
  })
}
