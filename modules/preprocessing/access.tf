# Who may do what. Raw data is only read here.
locals {
  _read_actions      = ["s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectVersion", "s3:GetObjectVersionAttributes"]
  _processed_objects = "${module.processed.bucket.arn}/*"

  _read_raw       = { read_raw = { actions = local._read_actions, resources = ["${var.raw.arn}/*"] } }
  _read_processed = { read_processed = { actions = local._read_actions, resources = [local._processed_objects] } }

  _write_processed = {
    write_processed = {
      actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectVersion", "s3:PutObject"]
      resources = [local._processed_objects]
    }
    list_processed = { actions = ["s3:ListBucket"], resources = [module.processed.bucket.arn] }
  }

  _run_step = {
    copy     = {}
    function = { run_step = { actions = ["lambda:InvokeFunction"], resources = compact([var.processing_step.function_arn]) } }
    batch = {
      # SubmitJob is checked against the definition with and without its revision.
      run_step = { actions = ["batch:SubmitJob"], resources = compact([
        var.processing_step.job_queue_arn,
        var.processing_step.job_definition_arn,
        try("${replace(var.processing_step.job_definition_arn, "/:[0-9]+$/", "")}:*", null),
      ]) }
      # Is there a job for this recording already? Batch knows no resources for that question.
      find_job = { actions = ["batch:ListJobs"], resources = ["*"] }
    }
  }[var.processing_step.kind]

  _use_keys = {
    for keys in [distinct(compact([var.raw.kms_key_arn, var.storage.kms_key_arn]))] :
    "use_key" => { actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = keys } if length(keys) > 0
  }
}
