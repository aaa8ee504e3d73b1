# Mocked values are known as early as the plan, so nothing needs to be applied.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_resource "aws_cloudfront_distribution" {
    defaults = {
      id          = "E1EXAMPLE"
      arn         = "arn:aws:cloudfront::000000000000:distribution/E1EXAMPLE"
      domain_name = "d111111abcdef8.cloudfront.net"
    }
  }

  mock_resource "aws_cloudfront_origin_access_control" {
    defaults = { id = "E2EXAMPLE" }
  }

  mock_resource "aws_cloudfront_response_headers_policy" {
    defaults = { id = "a-policy" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = {
      arn                         = "arn:aws:s3:::a-bucket"
      bucket_regional_domain_name = "a-bucket.s3.eu-central-1.amazonaws.com"
    }
  }
}

variables {
  name = "local-leaderboard"
}

run "public_only_through_cloudfront" {
  command = plan

  assert {
    condition     = one(aws_cloudfront_distribution.this.origin).domain_name == module.public.regional_domain_name
    error_message = "CloudFront stands before the public bucket"
  }

  assert {
    condition     = one(aws_cloudfront_distribution.this.origin).origin_access_control_id == "E2EXAMPLE" && aws_cloudfront_origin_access_control.this.signing_behavior == "always"
    error_message = "and signs every request"
  }

  assert {
    condition     = one(aws_cloudfront_distribution.this.default_cache_behavior).viewer_protocol_policy == "redirect-to-https"
    error_message = "HTTPS only"
  }

  assert {
    condition     = one(aws_cloudfront_distribution.this.default_cache_behavior).allowed_methods == toset(["GET", "HEAD", "OPTIONS"])
    error_message = "nobody writes"
  }

  assert {
    condition     = one(aws_cloudfront_distribution.this.default_cache_behavior).response_headers_policy_id == "a-policy"
    error_message = "every answer carries the security headers"
  }

  assert {
    condition     = one(one(aws_cloudfront_response_headers_policy.this.security_headers_config).strict_transport_security).access_control_max_age_sec == 63072000
    error_message = "browsers stay with HTTPS"
  }

  assert {
    condition     = !strcontains(one(one(aws_cloudfront_response_headers_policy.this.security_headers_config).content_security_policy).content_security_policy, "script-src")
    error_message = "no script runs"
  }

  assert {
    condition     = output.public.url == "https://d111111abcdef8.cloudfront.net" && output.public.distribution_id == "E1EXAMPLE"
    error_message = "CloudFront's own name"
  }

  assert {
    condition     = one(aws_cloudfront_distribution.this.viewer_certificate).cloudfront_default_certificate
    error_message = "and its certificate"
  }

  assert {
    condition     = aws_cloudfront_distribution.this.price_class == "PriceClass_100" && aws_cloudfront_distribution.this.web_acl_id == null && length(aws_cloudfront_distribution.this.logging_config) == 0
    error_message = "optional parts are left out"
  }
}

run "names_of_ones_own" {
  command = plan

  variables {
    own_names = {
      names           = ["contents.example.org", "a.example.org"]
      certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/one"
    }
  }

  assert {
    condition     = output.public.url == "https://a.example.org" && length(aws_cloudfront_distribution.this.aliases) == 2
    error_message = "both names, the first of them in the address"
  }

  assert {
    condition = alltrue([
      for certificate in aws_cloudfront_distribution.this.viewer_certificate :
      certificate.acm_certificate_arn == var.own_names.certificate_arn && certificate.minimum_protocol_version == "TLSv1.2_2021" && certificate.ssl_support_method == "sni-only"
    ])
    error_message = "with their certificate, and TLS 1.2 at least"
  }
}

run "access_log" {
  command = plan

  variables {
    access_log = { bucket = "logs-000000000000" }
  }

  assert {
    condition     = [for log in aws_cloudfront_distribution.this.logging_config : "${log.bucket}/${log.prefix}"] == ["logs-000000000000.s3.amazonaws.com/local-leaderboard/cloudfront/"]
    error_message = "CloudFront says who asked for what"
  }
}

run "delivered_everywhere_behind_a_firewall" {
  command = plan

  variables {
    delivery = {
      price_class = "PriceClass_All"
      web_acl_arn = "arn:aws:wafv2:us-east-1:000000000000:global/webacl/one/1"
    }
  }

  assert {
    condition     = aws_cloudfront_distribution.this.price_class == "PriceClass_All" && aws_cloudfront_distribution.this.web_acl_id == var.delivery.web_acl_arn
    error_message = "as asked"
  }
}

run "refuses_long_names" {
  command = plan
  variables {
    name = "a-name-that-is-one-character-too-l"
  }
  expect_failures = [var.name]
}

run "refuses_unknown_price_class" {
  command = plan
  variables {
    delivery = { price_class = "cheap" }
  }
  expect_failures = [var.delivery]
}

run "refuses_regional_firewall" {
  command = plan
  variables {
    delivery = { web_acl_arn = "arn:aws:wafv2:eu-central-1:000000000000:regional/webacl/one/1" }
  }
  expect_failures = [var.delivery]
}

run "refuses_to_keep_nothing" {
  command = plan
  variables {
    noncurrent_days = 0
  }
  expect_failures = [var.noncurrent_days]
}

run "refuses_certificate_from_elsewhere" {
  command = plan
  variables {
    own_names = { names = ["contents.example.org"], certificate_arn = "arn:aws:acm:eu-central-1:000000000000:certificate/one" }
  }
  expect_failures = [var.own_names]
}

run "refuses_no_name" {
  command = plan
  variables {
    own_names = { names = [], certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/one" }
  }
  expect_failures = [var.own_names]
}
