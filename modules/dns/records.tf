locals {
  # One form for all kinds, by a key that tells where a record comes from.
  _plain_records = {
    for key, record in var.records : key => merge(record, { geolocation = null, failover = null, health_check = null, identifier = null })
  }

  _geolocation_records = merge([
    for key, record in var.geolocation_records : {
      for place, answer in record.answers : "${key}/${place}" => merge(record, answer, {
        zone        = "public"
        geolocation = { continent = answer.continent, country = answer.country, subdivision = answer.subdivision }
        failover    = null
        identifier  = place
      })
    }
  ]...)

  _failover_records = merge([
    for key, record in var.failover_records : {
      for role, answer in { primary = record.primary, secondary = record.secondary } : "${key}/${role}" => merge(record, answer, {
        zone        = "public"
        geolocation = null
        failover    = upper(role)
        identifier  = role
      })
    }
  ]...)

  # Only these attributes, as objects of one map are of one type.
  _records = {
    for key, record in merge(local._plain_records, local._geolocation_records, local._failover_records) : key => {
      alias        = record.alias
      failover     = record.failover
      fqdn         = record.name == "" ? var.domain : "${record.name}.${var.domain}"
      geolocation  = record.geolocation
      health_check = record.health_check
      identifier   = record.identifier
      ttl          = record.alias == null ? record.ttl : null
      type         = record.type
      values       = record.values
      zone         = record.zone
    }
  }
}

resource "aws_route53_record" "this" {
  for_each = local._records

  zone_id         = local._zone_ids[each.value.zone]
  name            = each.value.fqdn
  type            = each.value.type
  ttl             = each.value.ttl
  records         = each.value.values
  set_identifier  = each.value.identifier
  health_check_id = each.value.health_check == null ? null : aws_route53_health_check.this[each.value.health_check].id

  dynamic "alias" {
    for_each = each.value.alias[*]

    content {
      name                   = alias.value.name
      zone_id                = alias.value.zone_id
      evaluate_target_health = alias.value.evaluate_target_health
    }
  }

  dynamic "failover_routing_policy" {
    for_each = each.value.failover[*]

    content {
      type = failover_routing_policy.value
    }
  }

  dynamic "geolocation_routing_policy" {
    for_each = each.value.geolocation[*]

    content {
      continent   = geolocation_routing_policy.value.continent
      country     = geolocation_routing_policy.value.country
      subdivision = geolocation_routing_policy.value.subdivision
    }
  }
}

# Who may issue certificates for the domain and everything below it.
resource "aws_route53_record" "authorities" {
  for_each = { for name, zone in local._public : name => zone if length(zone.certificate_authorities) > 0 }

  zone_id = aws_route53_zone.public[each.key].zone_id
  name    = var.domain
  type    = "CAA"
  ttl     = 3600
  records = [for authority in each.value.certificate_authorities : "0 issue \"${authority}\""]
}

resource "aws_route53_health_check" "this" {
  for_each = var.health_checks

  fqdn              = each.value.host
  port              = each.value.port
  type              = each.value.search_text == null ? each.value.protocol : "${each.value.protocol}_STR_MATCH"
  resource_path     = each.value.protocol == "TCP" ? null : each.value.path
  search_string     = each.value.search_text
  failure_threshold = each.value.failures
  request_interval  = each.value.interval_seconds

  tags = { Name = "${each.key}.${var.domain}" }
}
