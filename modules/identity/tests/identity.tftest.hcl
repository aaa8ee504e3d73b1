mock_provider "aws" {}

variables {
  name   = "local-users"
  groups = { researchers = { description = "May find and fetch.", precedence = 30 } }
}

run "only_operators_add_users" {
  command = plan

  assert {
    condition     = one(aws_cognito_user_pool.this.admin_create_user_config).allow_admin_create_user_only
    error_message = "nobody signs up"
  }

  assert {
    condition     = aws_cognito_user_pool.this.deletion_protection == "ACTIVE" && aws_cognito_user_pool.this.mfa_configuration == "OFF"
    error_message = "users are not deleted by accident"
  }

  assert {
    condition     = one(aws_cognito_user_pool.this.password_policy).minimum_length == 16 && one(aws_cognito_user_pool.this.password_policy).require_symbols
    error_message = "strong passwords"
  }

  assert {
    condition     = aws_cognito_user_group.this["researchers"].precedence == 30
    error_message = "groups as named"
  }

  assert {
    condition     = aws_cognito_user_pool_client.this.generate_secret == false && aws_cognito_user_pool_client.this.prevent_user_existence_errors == "ENABLED"
    error_message = "no client secret; nobody learns which users exist"
  }

  assert {
    condition     = aws_cognito_user_pool_client.this.explicit_auth_flows == toset(["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"])
    error_message = "two ways in, no more"
  }

  assert {
    condition     = aws_cognito_user_pool_client.this.id_token_validity == 60 && one(aws_cognito_user_pool_client.this.token_validity_units).id_token == "minutes"
    error_message = "tokens live an hour"
  }
}

run "optional_parts" {
  command = plan

  variables {
    is_temporary = true
    mfa          = "OPTIONAL"
    password     = { minimum_length = 20, temporary_days = 1 }
    tokens       = { minutes = 5, refresh_days = 2 }
  }

  assert {
    condition     = aws_cognito_user_pool.this.deletion_protection == "INACTIVE" && one(aws_cognito_user_pool.this.software_token_mfa_configuration).enabled
    error_message = "may be deleted; second factor by authenticator"
  }

  assert {
    condition     = one(aws_cognito_user_pool.this.password_policy).minimum_length == 20 && aws_cognito_user_pool_client.this.id_token_validity == 5 && aws_cognito_user_pool_client.this.refresh_token_validity == 2
    error_message = "lengths and lifetimes as said"
  }
}

run "refuses_demanding_mfa_of_devices" {
  command = plan
  variables {
    mfa = "ON"
  }
  expect_failures = [var.mfa]
}

run "refuses_weak_passwords" {
  command = plan
  variables {
    password = { minimum_length = 8, temporary_days = 0 }
  }
  expect_failures = [var.password]
}

run "refuses_short_and_long_tokens" {
  command = plan
  variables {
    tokens = { minutes = 4, refresh_days = 31 }
  }
  expect_failures = [var.tokens]
}

run "refuses_bad_group" {
  command = plan
  variables {
    groups = { "All Of Us" = { description = "" } }
  }
  expect_failures = [var.groups]
}

run "refuses_bad_name" {
  command = plan
  variables {
    name = ""
  }
  expect_failures = [var.name]
}
