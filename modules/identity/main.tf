resource "aws_cognito_user_pool" "this" {
  name                = var.name
  deletion_protection = var.is_temporary ? "INACTIVE" : "ACTIVE"
  mfa_configuration   = var.mfa

  # Devices and people are added by operators; nobody signs up.
  admin_create_user_config {
    allow_admin_create_user_only = true
  }

  # A device has no mailbox: a lost secret is replaced by an operator.
  account_recovery_setting {
    recovery_mechanism {
      name     = "admin_only"
      priority = 1
    }
  }

  password_policy {
    minimum_length                   = var.password.minimum_length
    require_lowercase                = true
    require_numbers                  = true
    require_symbols                  = true
    require_uppercase                = true
    temporary_password_validity_days = var.password.temporary_days
  }

  username_configuration {
    case_sensitive = false
  }

  dynamic "software_token_mfa_configuration" {
    for_each = var.mfa == "OPTIONAL" ? [true] : []

    content {
      enabled = software_token_mfa_configuration.value
    }
  }
}

resource "aws_cognito_user_group" "this" {
  for_each = var.groups

  user_pool_id = aws_cognito_user_pool.this.id
  name         = each.key
  description  = each.value.description
  precedence   = each.value.precedence
}
