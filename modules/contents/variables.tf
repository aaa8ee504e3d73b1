variable "access_log" {
  description = "Where CloudFront and both buckets write who asked for what; null for none. CloudFront writes by access control list: the bucket needs BucketOwnerPreferred, and must let logging.s3.amazonaws.com write."
  type        = object({ bucket = string })
  default     = null
}

variable "delivery" {
  description = <<-EOT
    How the public contents are delivered.
    - `price_class`: where CloudFront keeps copies: PriceClass_100 (Europe and North America), PriceClass_200 or PriceClass_All.
    - `web_acl_arn`: firewall of WAF, made in us-east-1; null for none.
  EOT
  type = object({
    price_class = optional(string, "PriceClass_100")
    web_acl_arn = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.delivery.price_class)
    error_message = "delivery.price_class: write PriceClass_100, PriceClass_200 or PriceClass_All."
  }

  validation {
    condition     = var.delivery.web_acl_arn == null ? true : can(regex("^arn:[a-z-]+:wafv2:us-east-1:[0-9]{12}:global/webacl/", var.delivery.web_acl_arn))
    error_message = "delivery.web_acl_arn: write the whole ARN of a web ACL with scope CLOUDFRONT, which lies in us-east-1."
  }
}

variable "is_temporary" {
  description = "Whether Terraform may delete both buckets with everything in them."
  type        = bool
  default     = false
  nullable    = false
}

variable "name" {
  description = "Whose contents these are: the buckets are called `<name>-public-contents-<account>` and `<name>-private-contents-<account>`."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,32}$", var.name))
    error_message = "name: write 1 to 33 lower-case letters, digits and hyphens (63 with -private-contents- and the account)."
  }
}

variable "noncurrent_days" {
  description = "Days that a version is kept after it was written over or deleted."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "noncurrent_days: write a whole number of days from 1 up."
  }
}

variable "own_names" {
  description = "Names of one's own for the public contents, and the certificate for them, which lies in us-east-1; null for CloudFront's name. Links last longest with a name of one's own."
  type        = object({ names = set(string), certificate_arn = string })
  default     = null

  validation {
    condition     = var.own_names == null ? true : length(var.own_names.names) > 0 && alltrue([for name in var.own_names.names : can(regex("^([a-z0-9-]+[.])+[a-z]{2,}$", name))])
    error_message = "own_names.names: write at least one whole name such as contents.example.org, in lower case."
  }

  validation {
    condition     = var.own_names == null ? true : can(regex("^arn:[a-z-]+:acm:us-east-1:[0-9]{12}:certificate/", var.own_names.certificate_arn))
    error_message = "own_names.certificate_arn: write the ARN of a certificate in us-east-1; CloudFront takes none from elsewhere."
  }
}
