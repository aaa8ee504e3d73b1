# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-catalogue-abcdef" }
  }

  mock_resource "aws_redshiftserverless_workgroup" {
    defaults = { arn = "arn:aws:redshift-serverless:eu-central-1:000000000000:workgroup/one" }
  }
}

variables {
  prefix = "local-"
}

run "postgresql" {
  command = plan

  variables {
    postgresql = { host = "127.0.0.1", port = 4510, database = "catalogue", user = "glue" }
  }

  assert {
    condition = jsondecode(output.settings) == {
      engine     = "postgresql"
      host       = "127.0.0.1"
      port       = 4510
      database   = "catalogue"
      user       = "glue"
      secret_arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:local-catalogue-abcdef"
    }
    error_message = "a function learns where, and where the password lies, but no password"
  }

  assert {
    condition     = output.policy_statements.read_catalogue_password.resources == toset([output.secret_arn])
    error_message = "it may read that one secret"
  }

  assert {
    condition     = aws_secretsmanager_secret.this["this"].name == "local-catalogue" && aws_secretsmanager_secret.this["this"].recovery_window_in_days == 30
    error_message = "deleted by mistake it comes back"
  }

  assert {
    condition     = length(aws_redshiftserverless_namespace.this) == 0 && length(output.role_tags) == 0
    error_message = "no Redshift"
  }
}

run "temporary_postgresql" {
  command = plan

  variables {
    is_temporary = true
    postgresql   = { host = "db.example.org", database = "catalogue", user = "glue" }
  }

  assert {
    condition     = aws_secretsmanager_secret.this["this"].recovery_window_in_days == 0
    error_message = "the name is free again at once"
  }
}

run "redshift" {
  command = plan

  variables {
    redshift = { subnet_ids = ["subnet-1", "subnet-2", "subnet-3"], security_group_ids = ["sg-1"] }
  }

  assert {
    condition     = aws_redshiftserverless_workgroup.this["this"].base_capacity == 4 && aws_redshiftserverless_workgroup.this["this"].publicly_accessible == false
    error_message = "small and private"
  }

  assert {
    condition     = aws_redshiftserverless_namespace.this["this"].manage_admin_password
    error_message = "no password in anybody's hand"
  }

  assert {
    condition     = one([for p in aws_redshiftserverless_workgroup.this["this"].config_parameter : p.parameter_value if p.parameter_key == "require_ssl"]) == "true"
    error_message = "TLS only"
  }

  assert {
    condition     = aws_redshiftserverless_usage_limit.this["this"].amount == 60 && aws_redshiftserverless_usage_limit.this["this"].usage_type == "serverless-compute"
    error_message = "what it may cost is limited"
  }

  assert {
    condition     = jsondecode(output.settings) == { engine = "redshift", workgroup = "local-catalogue", database = "catalogue" }
    error_message = "a function learns the workgroup and the database"
  }

  assert {
    condition     = output.policy_statements.ask_catalogue.resources == toset(["arn:aws:redshift-serverless:eu-central-1:000000000000:workgroup/one"])
    error_message = "it may ask that workgroup"
  }

  assert {
    condition     = output.policy_statements.read_catalogue_answers.condition.StringEquals["redshift-data:statement-owner-iam-userid"] == ["$${aws:userid}"]
    error_message = "and read its own answers only"
  }

  assert {
    condition     = output.secret_arn == null && output.role_tags.RedshiftDbRoles == "catalogue"
    error_message = "no secret of ours; the role carries its database role"
  }
}

run "refuses_neither" {
  command         = plan
  expect_failures = [var.postgresql]
}

run "refuses_both" {
  command = plan
  variables {
    postgresql = { host = "db.example.org", database = "catalogue", user = "glue" }
    redshift   = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
  }
  expect_failures = [var.postgresql]
}

run "refuses_bad_port" {
  command = plan
  variables {
    postgresql = { host = "db.example.org", port = 0, database = "catalogue", user = "glue" }
  }
  expect_failures = [var.postgresql]
}

run "refuses_bad_redshift" {
  command = plan
  variables {
    redshift = { database = "Catalogue!", base_capacity = 6, max_capacity = 2, monthly_hours = 0, breach_action = "panic", subnet_ids = ["subnet-1"], security_group_ids = [] }
  }
  expect_failures = [var.redshift]
}

run "refuses_bad_prefix" {
  command = plan
  variables {
    prefix     = "Local"
    postgresql = { host = "db.example.org", database = "catalogue", user = "glue" }
  }
  expect_failures = [var.prefix]
}
