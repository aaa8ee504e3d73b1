locals {
  # AWS's own policy of caching: a day, by path alone, compressed.
  # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
  _cached_a_day = "658327ea-f89d-4fab-a63d-7e88639e58f6"

  _origin = "public-contents"
}

# CloudFront signs each of its requests, and the bucket answers no others.
resource "aws_cloudfront_origin_access_control" "this" {
  name                              = "${var.name}-contents"
  description                       = "CloudFront's way to the public contents of ${var.name}."
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "this" {
  #checkov:skip=CKV_AWS_68:Files without parameters, held in a cache; a firewall can be given as delivery.web_acl_arn
  #checkov:skip=CKV2_AWS_47:As CKV_AWS_68
  #checkov:skip=CKV_AWS_86:A log is optional: it needs a bucket with access control lists
  #checkov:skip=CKV_AWS_174:TLSv1.2_2021 with a name of one's own; CloudFront's own certificate lets nobody choose
  #checkov:skip=CKV_AWS_310:One bucket is the only origin
  #checkov:skip=CKV_AWS_374:Participants are everywhere
  #checkov:skip=CKV2_AWS_42:As CKV_AWS_174
  enabled             = true
  comment             = "Public contents of ${var.name}."
  aliases             = var.own_names == null ? null : var.own_names.names
  default_root_object = "index.html"
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  price_class         = var.delivery.price_class
  web_acl_id          = var.delivery.web_acl_arn

  origin {
    origin_id                = local._origin
    domain_name              = module.public.regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.this.id
  }

  default_cache_behavior {
    target_origin_id           = local._origin
    allowed_methods            = ["GET", "HEAD", "OPTIONS"]
    cached_methods             = ["GET", "HEAD"]
    cache_policy_id            = local._cached_a_day
    compress                   = true
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
    viewer_protocol_policy     = "redirect-to-https"
  }

  # S3 says 403 of what is not there: whoever opens a link too early finds the file soon after.
  custom_error_response {
    error_code            = 403
    error_caching_min_ttl = 10
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn            = var.own_names == null ? null : var.own_names.certificate_arn
    cloudfront_default_certificate = var.own_names == null
    minimum_protocol_version       = var.own_names == null ? "TLSv1" : "TLSv1.2_2021"
    ssl_support_method             = var.own_names == null ? null : "sni-only"
  }

  dynamic "logging_config" {
    for_each = local._logs

    content {
      bucket = "${logging_config.value.bucket}.s3.amazonaws.com"
      prefix = "${var.name}/cloudfront/"
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "this" {
  #checkov:skip=CKV_AWS_259:Whether a domain goes onto the list that browsers bring along is for its owner to say
  name    = "${var.name}-contents"
  comment = "Security headers of the public contents of ${var.name}."

  security_headers_config {
    content_type_options {
      override = true
    }

    content_security_policy {
      content_security_policy = local._content_security_policy
      override                = true
    }

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }

    strict_transport_security {
      access_control_max_age_sec = 63072000 # two years
      include_subdomains         = true
      override                   = true
    }
  }

  # Everything here is for everybody: any page may show a picture of it or read a table.
  cors_config {
    access_control_allow_credentials = false
    origin_override                  = true

    access_control_allow_headers {
      items = ["*"]
    }

    access_control_allow_methods {
      items = ["GET", "HEAD"]
    }

    access_control_allow_origins {
      items = ["*"]
    }
  }
}

locals {
  # Documents, pictures and films; a page that somebody puts there runs no script.
  _content_security_policy = join("; ", [
    "default-src 'none'", "img-src 'self'", "media-src 'self'", "style-src 'self' 'unsafe-inline'",
    "font-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  ])
}
