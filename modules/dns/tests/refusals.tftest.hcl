# Every message of variables.tf, each by its own mistake.
mock_provider "aws" {}

variables {
  domain      = "example.org"
  public_zone = {}
}

run "refuses_no_zone" {
  command = plan
  variables {
    public_zone = null
  }
  expect_failures = [var.public_zone]
}

run "refuses_query_log_elsewhere" {
  command = plan
  variables {
    public_zone = { query_log = { log_group_arn = "arn:aws:logs:eu-central-1:000000000000:log-group:queries" } }
  }
  expect_failures = [var.public_zone]
}

run "refuses_query_log_with_star" {
  command = plan
  variables {
    public_zone = { query_log = { log_group_arn = "arn:aws:logs:us-east-1:000000000000:log-group:queries:*" } }
  }
  expect_failures = [var.public_zone]
}

run "refuses_private_zone_without_network" {
  command = plan
  variables {
    private_zone = { vpc_ids = {} }
  }
  expect_failures = [var.private_zone]
}

run "refuses_domain_with_dot_at_its_end" {
  command = plan
  variables {
    domain = "example.org."
  }
  expect_failures = [var.domain]
}

run "refuses_topic_that_is_none" {
  command = plan
  variables {
    alarms = { topic_arn = "alarms" }
  }
  expect_failures = [var.alarms]
}

run "refuses_certificate_without_public_zone" {
  command = plan
  variables {
    public_zone  = null
    private_zone = { vpc_ids = { home = "vpc-1" } }
    certificate  = {}
  }
  expect_failures = [var.certificate]
}

run "refuses_certificate_of_another_domain" {
  command = plan
  variables {
    certificate = { alternative_names = ["example.net"] }
  }
  expect_failures = [var.certificate]
}

run "refuses_certificate_that_the_zone_forbids" {
  command = plan
  variables {
    public_zone = { certificate_authorities = ["letsencrypt.org"] }
    certificate = {}
  }
  expect_failures = [var.certificate]
}

run "refuses_record_without_answer" {
  command = plan
  variables {
    records = { site = {} }
  }
  expect_failures = [var.records]
}

run "refuses_record_with_two_answers" {
  command = plan
  variables {
    records = { site = { values = ["203.0.113.1"], alias = { name = "x", zone_id = "Z" } } }
  }
  expect_failures = [var.records]
}

run "refuses_unknown_record_type" {
  command = plan
  variables {
    records = { site = { type = "a", values = ["203.0.113.1"] } }
  }
  expect_failures = [var.records]
}

run "refuses_cname_of_the_domain_itself" {
  command = plan
  variables {
    records = { site = { type = "CNAME", values = ["example.net"] } }
  }
  expect_failures = [var.records]
}

run "refuses_record_of_a_zone_that_is_not_made" {
  command = plan
  variables {
    records = { site = { zone = "private", values = ["203.0.113.1"] } }
  }
  expect_failures = [var.records]
}

run "refuses_geolocation_without_answer" {
  command = plan
  variables {
    geolocation_records = { it = { answers = { default = { country = "*" } } } }
  }
  expect_failures = [var.geolocation_records]
}

run "refuses_geolocation_of_nowhere" {
  command = plan
  variables {
    geolocation_records = { it = { answers = { default = { country = "*", values = ["203.0.113.1"] }, none = { values = ["203.0.113.1"] } } } }
  }
  expect_failures = [var.geolocation_records]
}

run "refuses_unknown_continent" {
  command = plan
  variables {
    geolocation_records = { it = { answers = { default = { country = "*", values = ["203.0.113.1"] }, europe = { continent = "EUROPE", values = ["203.0.113.1"] } } } }
  }
  expect_failures = [var.geolocation_records]
}

run "refuses_subdivision_of_a_country_without" {
  command = plan
  variables {
    geolocation_records = { it = { answers = { default = { country = "*", values = ["203.0.113.1"] }, bavaria = { country = "DE", subdivision = "BY", values = ["203.0.113.1"] } } } }
  }
  expect_failures = [var.geolocation_records]
}

run "refuses_geolocation_without_default" {
  command = plan
  variables {
    geolocation_records = { it = { answers = { europe = { continent = "EU", values = ["203.0.113.1"] } } } }
  }
  expect_failures = [var.geolocation_records]
}

run "refuses_geolocation_with_unknown_check" {
  command = plan
  variables {
    geolocation_records = { it = { answers = { default = { country = "*", values = ["203.0.113.1"], health_check = "none" } } } }
  }
  expect_failures = [var.geolocation_records]
}

run "refuses_geolocation_without_public_zone" {
  command = plan
  variables {
    public_zone         = null
    private_zone        = { vpc_ids = { home = "vpc-1" } }
    geolocation_records = { it = { answers = { default = { country = "*", values = ["203.0.113.1"] } } } }
  }
  expect_failures = [var.geolocation_records]
}

run "refuses_failover_without_answer" {
  command = plan
  variables {
    health_checks    = { one = { host = "one.example.org" } }
    failover_records = { it = { primary = { values = ["203.0.113.1"], health_check = "one" }, secondary = {} } }
  }
  expect_failures = [var.failover_records]
}

run "refuses_failover_that_nobody_watches" {
  command = plan
  variables {
    failover_records = { it = { primary = { values = ["203.0.113.1"] }, secondary = { values = ["203.0.113.2"] } } }
  }
  expect_failures = [var.failover_records]
}

run "refuses_failover_with_unknown_check" {
  command = plan
  variables {
    failover_records = { it = { primary = { values = ["203.0.113.1"], health_check = "none" }, secondary = { values = ["203.0.113.2"] } } }
  }
  expect_failures = [var.failover_records]
}

run "refuses_failover_without_public_zone" {
  command = plan
  variables {
    public_zone      = null
    private_zone     = { vpc_ids = { home = "vpc-1" } }
    health_checks    = { one = { host = "one.example.org" } }
    failover_records = { it = { primary = { values = ["203.0.113.1"], health_check = "one" }, secondary = { values = ["203.0.113.2"] } } }
  }
  expect_failures = [var.failover_records]
}

run "refuses_unknown_protocol" {
  command = plan
  variables {
    health_checks = { one = { host = "one.example.org", protocol = "https" } }
  }
  expect_failures = [var.health_checks]
}

run "refuses_search_in_tcp" {
  command = plan
  variables {
    health_checks = { one = { host = "one.example.org", protocol = "TCP", search_text = "well" } }
  }
  expect_failures = [var.health_checks]
}

run "refuses_odd_interval" {
  command = plan
  variables {
    health_checks = { one = { host = "one.example.org", interval_seconds = 60 } }
  }
  expect_failures = [var.health_checks]
}

run "refuses_too_many_failures" {
  command = plan
  variables {
    health_checks = { one = { host = "one.example.org", failures = 11 } }
  }
  expect_failures = [var.health_checks]
}

run "refuses_path_without_slash" {
  command = plan
  variables {
    health_checks = { one = { host = "one.example.org", path = "health" } }
  }
  expect_failures = [var.health_checks]
}
