locals {
  _secret_arn = one([for secret in aws_secretsmanager_secret.this : secret.arn])

  _postgresql_settings = var.postgresql == null ? null : jsonencode(merge(
    { engine = "postgresql", secret_arn = local._secret_arn },
    var.postgresql,
  ))

  _postgresql_statements = {
    read_catalogue_password = {
      actions   = toset(["secretsmanager:GetSecretValue"])
      resources = toset(compact([local._secret_arn]))
      condition = {}
    }
  }
}

# The secret only. Its value would lie in Terraform's state for everybody who can read that:
# it is written after the apply, by whoever knows the password.
resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:The database is given, not ours: its owner rotates the password and writes the new value
  for_each = var.postgresql == null ? {} : { this = "${var.prefix}catalogue" }

  name        = each.value
  description = "Password of the recordings' catalogue: {\"password\": …}."
  kms_key_id  = var.kms_key_arn

  # Without a window the name is free again at once; with one a mistake can be undone.
  recovery_window_in_days = var.is_temporary ? 0 : 30
}
