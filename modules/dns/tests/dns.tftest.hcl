# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_acm_certificate" {
    defaults = {
      arn = "arn:aws:acm:eu-central-1:000000000000:certificate/one"
      domain_validation_options = [
        { domain_name = "example.org", resource_record_name = "_p.example.org.", resource_record_type = "CNAME", resource_record_value = "v.acm-validations.aws." },
        { domain_name = "*.example.org", resource_record_name = "_p.example.org.", resource_record_type = "CNAME", resource_record_value = "v.acm-validations.aws." },
        { domain_name = "api.example.org", resource_record_name = "_q.api.example.org.", resource_record_type = "CNAME", resource_record_value = "w.acm-validations.aws." },
      ]
    }
  }

  mock_resource "aws_route53_health_check" {
    defaults = { id = "check" }
  }
}

override_resource {
  override_during = plan
  target          = aws_route53_zone.public
  values          = { zone_id = "ZPUBLIC", arn = "arn:aws:route53:::hostedzone/ZPUBLIC", name_servers = ["ns-2.example.net", "ns-1.example.net"] }
}

override_resource {
  override_during = plan
  target          = aws_route53_zone.private
  values          = { zone_id = "ZPRIVATE", arn = "arn:aws:route53:::hostedzone/ZPRIVATE" }
}

variables {
  domain      = "example.org"
  public_zone = {}
}

run "public_zone" {
  command = plan

  assert {
    condition     = aws_route53_zone.public["this"].name == "example.org" && aws_route53_zone.public["this"].force_destroy == false
    error_message = "a zone that keeps what Terraform did not make"
  }

  assert {
    condition     = aws_route53_record.authorities["this"].type == "CAA" && aws_route53_record.authorities["this"].records == toset(["0 issue \"amazon.com\""])
    error_message = "nobody but Amazon issues certificates"
  }

  assert {
    condition     = output.delegation.values == tolist(["ns-1.example.net", "ns-2.example.net"]) && output.delegation.type == "NS"
    error_message = "says what the parent domain needs"
  }

  assert {
    condition     = output.public_zone.id == "ZPUBLIC" && output.public_zone.name_servers == tolist(["ns-1.example.net", "ns-2.example.net"])
    error_message = "says which zone it is"
  }

  assert {
    condition     = output.private_zone == null && output.certificate_arn == null && length(aws_route53_zone.private) == 0 && length(aws_acm_certificate.this) == 0 && length(aws_route53_query_log.this) == 0 && length(output.names) == 0
    error_message = "and nothing that was not asked for"
  }
}

run "temporary" {
  command = plan

  variables {
    is_temporary = true
    private_zone = { vpc_ids = { home = "vpc-1" } }
  }

  assert {
    condition     = aws_route53_zone.public["this"].force_destroy && aws_route53_zone.private["this"].force_destroy
    error_message = "both zones may go with everything in them"
  }
}

run "private_zone_alone" {
  command = plan

  variables {
    public_zone  = null
    private_zone = { vpc_ids = { home = "vpc-1", other = "vpc-2" } }
    records      = { database = { name = "database", zone = "private", type = "CNAME", values = ["db.example.net"] } }
  }

  assert {
    condition     = toset([for vpc in aws_route53_zone.private["this"].vpc : vpc.vpc_id]) == toset(["vpc-1", "vpc-2"])
    error_message = "for both networks"
  }

  assert {
    condition     = aws_route53_record.this["database"].zone_id == "ZPRIVATE" && length(aws_route53_record.authorities) == 0
    error_message = "with its record, and no CAA record"
  }

  assert {
    condition     = output.public_zone == null && output.delegation == null && output.private_zone == { id = "ZPRIVATE", arn = "arn:aws:route53:::hostedzone/ZPRIVATE" }
    error_message = "nothing is public"
  }
}

run "certificate" {
  command = plan

  variables {
    certificate = { alternative_names = ["*.example.org", "api.example.org"] }
    alarms      = { topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms" }
  }

  assert {
    condition     = aws_acm_certificate.this["this"].domain_name == "example.org" && aws_acm_certificate.this["this"].validation_method == "DNS"
    error_message = "for the domain, proven by DNS"
  }

  assert {
    condition     = { for name, record in aws_route53_record.proof : name => one(record.records) } == { "api.example.org" = "w.acm-validations.aws.", "example.org" = "v.acm-validations.aws." }
    error_message = "one proof for a name and its wildcard, one for each other name"
  }

  assert {
    condition     = aws_acm_certificate_validation.this["this"].certificate_arn == output.certificate_arn
    error_message = "whoever gets it gets it issued"
  }

  assert {
    condition     = output.alarm_names == ["certificate-example.org"] && aws_cloudwatch_metric_alarm.certificate["this"].dimensions == tomap({ CertificateArn = "arn:aws:acm:eu-central-1:000000000000:certificate/one" })
    error_message = "an alarm when it is not renewed"
  }
}

run "certificate_before_the_delegation" {
  command = plan

  variables {
    certificate = { is_awaited = false }
  }

  override_resource {
    override_during = plan
    target          = aws_acm_certificate.this
    values = {
      arn                       = "arn:aws:acm:eu-central-1:000000000000:certificate/two"
      domain_validation_options = [{ domain_name = "example.org", resource_record_name = "_p.example.org.", resource_record_type = "CNAME", resource_record_value = "v.acm-validations.aws." }]
    }
  }

  assert {
    condition     = length(aws_acm_certificate_validation.this) == 0 && output.certificate_arn == "arn:aws:acm:eu-central-1:000000000000:certificate/two"
    error_message = "nothing waits for it"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.certificate) == 0
    error_message = "no alarm without a topic"
  }
}

run "query_log" {
  command = plan

  variables {
    public_zone = { query_log = { log_group_arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/route53/example.org" }, certificate_authorities = [] }
  }

  assert {
    condition     = aws_route53_query_log.this["this"].zone_id == "ZPUBLIC" && aws_route53_query_log.this["this"].cloudwatch_log_group_arn == "arn:aws:logs:us-east-1:000000000000:log-group:/aws/route53/example.org"
    error_message = "queries are logged there"
  }

  assert {
    condition     = length(aws_route53_record.authorities) == 0
    error_message = "everybody may issue certificates"
  }
}

run "records" {
  command = plan

  variables {
    records = {
      site = { alias = { name = "d111.cloudfront.net", zone_id = "Z2FDTNDATAQYW2" } }
      mail = { type = "MX", values = ["10 mail.example.net."], ttl = 3600 }
      docs = { name = "docs", type = "CNAME", values = ["pages.example.net"] }
    }
  }

  assert {
    condition     = aws_route53_record.this["docs"].name == "docs.example.org" && aws_route53_record.this["mail"].name == "example.org" && join(" ", keys(output.names)) == "docs mail site"
    error_message = "names under the domain, or the domain itself"
  }

  assert {
    condition     = aws_route53_record.this["site"].name == "example.org" && aws_route53_record.this["site"].alias[0].evaluate_target_health && aws_route53_record.this["site"].ttl == null
    error_message = "an alias has no time to live of its own"
  }

  assert {
    condition     = aws_route53_record.this["mail"].ttl == 3600 && aws_route53_record.this["docs"].ttl == 300 && aws_route53_record.this["mail"].zone_id == "ZPUBLIC"
    error_message = "public, for five minutes unless said otherwise"
  }
}

run "geolocation" {
  command = plan

  variables {
    health_checks = { europe = { host = "europe.example.org" } }
    geolocation_records = {
      upload = {
        name = "upload"
        answers = {
          europe     = { continent = "EU", values = ["203.0.113.1"], health_check = "europe" }
          california = { country = "US", subdivision = "CA", values = ["203.0.113.3"] }
          default    = { country = "*", values = ["203.0.113.2"] }
        }
      }
    }
  }

  assert {
    condition     = { for key, record in aws_route53_record.this : record.set_identifier => one(record.records) } == { california = "203.0.113.3", default = "203.0.113.2", europe = "203.0.113.1" }
    error_message = "an answer for each place"
  }

  assert {
    condition     = aws_route53_record.this["upload/europe"].geolocation_routing_policy[0].continent == "EU" && aws_route53_record.this["upload/default"].geolocation_routing_policy[0].country == "*" && aws_route53_record.this["upload/california"].geolocation_routing_policy[0].subdivision == "CA"
    error_message = "by continent, country or subdivision"
  }

  assert {
    condition     = aws_route53_record.this["upload/europe"].health_check_id == "check" && aws_route53_record.this["upload/europe"].ttl == 60
    error_message = "left out when it is ill, within a minute"
  }
}

run "failover" {
  command = plan

  variables {
    health_checks = {
      home   = { host = "home.example.org", path = "/health", search_text = "well" }
      second = { host = "second.example.org", protocol = "TCP", port = 8443, interval_seconds = 10, failures = 2 }
    }
    failover_records = {
      app = {
        name      = "app"
        primary   = { values = ["203.0.113.1"], health_check = "home" }
        secondary = { alias = { name = "d111.cloudfront.net", zone_id = "Z2FDTNDATAQYW2", evaluate_target_health = false } }
      }
    }
  }

  assert {
    condition     = aws_route53_record.this["app/primary"].failover_routing_policy[0].type == "PRIMARY" && aws_route53_record.this["app/primary"].health_check_id == "check"
    error_message = "the first as long as it is well"
  }

  assert {
    condition     = aws_route53_record.this["app/secondary"].failover_routing_policy[0].type == "SECONDARY" && aws_route53_record.this["app/secondary"].alias[0].name == "d111.cloudfront.net"
    error_message = "then the second"
  }

  assert {
    condition     = aws_route53_health_check.this["home"].type == "HTTPS_STR_MATCH" && aws_route53_health_check.this["home"].search_string == "well" && aws_route53_health_check.this["home"].resource_path == "/health" && aws_route53_health_check.this["home"].port == 443
    error_message = "asked over HTTPS, and the answer is read"
  }

  assert {
    condition     = aws_route53_health_check.this["second"].type == "TCP" && aws_route53_health_check.this["second"].port == 8443 && aws_route53_health_check.this["second"].request_interval == 10 && aws_route53_health_check.this["second"].failure_threshold == 2
    error_message = "or only whether somebody listens"
  }

  assert {
    condition     = join(" ", keys(output.health_check_ids)) == "home second"
    error_message = "says which checks there are"
  }
}
