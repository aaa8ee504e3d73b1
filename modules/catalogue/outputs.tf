output "policy_statements" {
  description = "What the role of a function that uses the catalogue must be granted, as the function module takes it."
  value       = local._policy_statements
}

output "role_tags" {
  description = "Tags such a role must carry: Redshift gives whoever bears it the database role catalogue."
  value       = var.redshift == null ? {} : { RedshiftDbRoles = "catalogue" }
}

output "secret_arn" {
  description = "ARN of the secret with the password; null unless the engine is PostgreSQL."
  value       = local._secret_arn
}

output "settings" {
  description = "What such a function is told (JSON): engine and address. No password."
  value       = local._settings
}
