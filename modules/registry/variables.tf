variable "is_temporary" {
  description = "Whether Terraform may delete repositories with the images in them."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key of this region for encryption at rest; null for keys that ECR manages. Changing it replaces the repositories."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "kms_key_arn: write a key's whole ARN, for example arn:aws:kms:eu-central-1:123456789012:key/…; an alias will not do."
  }
}

variable "prefix" {
  description = "Stands before the name of every repository."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9]+([._-][a-z0-9]+)*[/._-])?$", var.prefix))
    error_message = "prefix: write lower-case letters and digits, separated by single characters of \"._-\" and ending with one of \"/._-\", for example staging-; or leave it empty."
  }
}

variable "replicate_to" {
  description = "Regions that each pushed image is copied to. Only one call of this module in an account and region may say so."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for region in var.replicate_to : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])
    error_message = "replicate_to: write regions such as us-east-1."
  }

  validation {
    condition     = length(var.replicate_to) <= 25
    error_message = "replicate_to: write at most 25 regions; ECR takes no more."
  }

  validation {
    condition     = length(var.replicate_to) == 0 || (length(var.repositories) >= 1 && length(var.repositories) <= 100)
    error_message = "replicate_to: goes with 1 to 100 repositories; with none, everything in the registry would be copied."
  }
}

variable "repositories" {
  description = <<-EOT
    Repositories by name.
    - `description`: what the images are; becomes a tag.
    - `keep_images`: so many are kept, the newest; all when null.
    - `untagged_days`: days after which an image without a tag ends.
    - `pull_principal_arns`, `push_principal_arns`: roles, users or accounts that may pull, or pull and push, by the
      repository's own policy. Needed for other accounts; roles of this account can have it by their own.
  EOT
  type = map(object({
    description         = string
    keep_images         = optional(number)
    untagged_days       = optional(number, 7)
    pull_principal_arns = optional(set(string), [])
    push_principal_arns = optional(set(string), [])
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.repositories) : can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", name))])
    error_message = "repositories: a name has lower-case letters and digits, separated by single characters of \"._/-\", for example leaderboard/carla."
  }

  validation {
    condition     = alltrue([for name in keys(var.repositories) : length("${var.prefix}${name}") >= 2 && length("${var.prefix}${name}") <= 256])
    error_message = "repositories: a name has 2 to 256 characters, prefix included."
  }

  validation {
    condition     = alltrue([for repository in var.repositories : can(regex("^[A-Za-z0-9 +=._:/@-]{1,256}$", repository.description))])
    error_message = "repositories: a description becomes a tag; write 1 to 256 letters, digits, spaces and characters of \"+-=._:/@\"."
  }

  validation {
    condition     = alltrue([for repository in var.repositories : repository.keep_images == null ? true : repository.keep_images >= 1])
    error_message = "repositories: keep_images is 1 or more; leave it out to keep all."
  }

  validation {
    condition     = alltrue([for repository in var.repositories : repository.untagged_days >= 1])
    error_message = "repositories: untagged_days is 1 or more; an image is pushed before it is tagged."
  }

  validation {
    condition = alltrue(flatten([
      for repository in var.repositories : [
        for arn in setunion(repository.pull_principal_arns, repository.push_principal_arns) :
        can(regex("^arn:[a-z-]+:iam::[0-9]{12}:(root|(role|user)/[^*?]+)$", arn))
      ]
    ]))
    error_message = "repositories: a principal is one role, user or account without wildcards; write arn:aws:iam::123456789012:role/name, or …:root for a whole account."
  }
}
