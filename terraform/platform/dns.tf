# The domain: what the world is told, what only the network is told, and the certificate.
module "dns" {
  source = "../../modules/dns"
  count  = var.dns == null ? 0 : 1

  domain       = var.dns.domain
  is_temporary = local.is_temporary
  public_zone  = {}
  private_zone = var.network == null ? null : { vpc_ids = { home = local.network.vpc.id } }
  certificate  = var.dns.certificate
  alarms       = local.alarms

  records             = var.dns.records
  failover_records    = var.dns.failover_records
  geolocation_records = var.dns.geolocation_records
  health_checks       = var.dns.health_checks
}
