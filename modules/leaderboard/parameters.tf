# Nine parameters, none of them secret. They lie in a secret so that the functions, and people who
# try something out, find them under the leaderboard's name.
resource "aws_secretsmanager_secret" "parameters" {
  #checkov:skip=CKV_AWS_149:Names and addresses, no secret; AWS encrypts them with its own key
  #checkov:skip=CKV2_AWS_57:Nothing in it is a credential that could be rotated
  name                    = local._name
  description             = "Cluster, images and names of ${var.name}."
  recovery_window_in_days = var.is_temporary ? 0 : 30
  tags                    = { holds = "parameters" } # by which CI's plans may read it, to compare
}

resource "aws_secretsmanager_secret_version" "parameters" {
  secret_id = aws_secretsmanager_secret.parameters.id

  secret_string = jsonencode({
    name                       = var.cluster.name
    endpoint                   = var.cluster.endpoint
    certificate_authority      = var.cluster.certificate_authority
    simulator_image            = var.submission.images.simulator
    leaderboard_image          = var.submission.images.leaderboard
    logcopy_image              = var.submission.images.logcopy
    s3_bucket                  = module.bucket.bucket.name
    dynamodb_submissions_table = module.table.table.name
    cloudwatch_log_group       = aws_cloudwatch_log_group.submissions.name
  })
}
