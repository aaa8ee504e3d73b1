# One of two engines. Whoever uses the catalogue sees outputs and no engine: what a function is
# told, what its role may do, and (for Redshift) by which tag the database knows it.
locals {
  _settings = coalesce(local._postgresql_settings, local._redshift_settings)

  _policy_statements = merge(
    var.postgresql == null ? null : local._postgresql_statements,
    var.redshift == null ? null : local._redshift_statements,
  )
}
