locals {
  _redshift_name = "${var.prefix}catalogue"

  _redshift_settings = var.redshift == null ? null : jsonencode({
    engine    = "redshift"
    workgroup = local._redshift_name
    database  = var.redshift.database
  })

  # TLS is our wish, the others are AWS's own values: AWS describes a workgroup with all nine, and
  # the provider wants to remove, at every plan, whatever it reads and does not find written here.
  _redshift_parameters = {
    auto_mv                          = "true"
    datestyle                        = "ISO, MDY"
    enable_case_sensitive_identifier = "false"
    enable_user_activity_logging     = "true"
    max_query_execution_time         = "14400"
    query_group                      = "default"
    require_ssl                      = "true"
    search_path                      = "$user, public"
    use_fips_ssl                     = "false"
  }

  _workgroup_arns = compact([one([for workgroup in aws_redshiftserverless_workgroup.this : workgroup.arn])])

  # Statements have no ARN of their own; the condition leaves a role only those it began.
  _redshift_statements = {
    ask_catalogue = {
      actions = toset([
        "redshift-data:BatchExecuteStatement",
        "redshift-data:ExecuteStatement",
        "redshift-serverless:GetCredentials",
      ])
      resources = toset(local._workgroup_arns)
      condition = {}
    }
    read_catalogue_answers = {
      actions = toset([
        "redshift-data:CancelStatement",
        "redshift-data:DescribeStatement",
        "redshift-data:GetStatementResult",
      ])
      resources = toset(["*"])
      condition = { StringEquals = { "redshift-data:statement-owner-iam-userid" = ["$${aws:userid}"] } }
    }
  }
}

resource "aws_redshiftserverless_namespace" "this" {
  for_each = var.redshift == null ? {} : { this = var.redshift }

  namespace_name = local._redshift_name
  db_name        = each.value.database
  kms_key_id     = var.kms_key_arn
  log_exports    = ["connectionlog", "useractivitylog", "userlog"]

  # Redshift makes the password and keeps it in Secrets Manager: it is in no state and no hand.
  manage_admin_password = true
}

resource "aws_redshiftserverless_workgroup" "this" {
  for_each = var.redshift == null ? {} : { this = var.redshift }

  workgroup_name = local._redshift_name
  namespace_name = aws_redshiftserverless_namespace.this[each.key].namespace_name

  base_capacity        = each.value.base_capacity
  max_capacity         = each.value.max_capacity
  publicly_accessible  = false
  enhanced_vpc_routing = true
  subnet_ids           = each.value.subnet_ids
  security_group_ids   = each.value.security_group_ids

  dynamic "config_parameter" {
    for_each = local._redshift_parameters

    content {
      parameter_key   = config_parameter.key
      parameter_value = config_parameter.value
    }
  }
}

resource "aws_redshiftserverless_usage_limit" "this" {
  for_each = var.redshift == null ? {} : { this = var.redshift }

  resource_arn  = aws_redshiftserverless_workgroup.this[each.key].arn
  usage_type    = "serverless-compute"
  amount        = each.value.monthly_hours
  period        = "monthly"
  breach_action = each.value.breach_action
}
