resource "aws_ecr_repository" "this" {
  #checkov:skip=CKV_AWS_136:Encrypted with ECR's keys unless kms_key_arn names one; a key of one's own costs, and images of ours are no secret
  for_each = var.repositories

  name = "${var.prefix}${each.key}"

  # What a tag names never changes: a job that ran with it can be run again with the same bytes.
  image_tag_mutability = "IMMUTABLE"

  # Terraform itself may throw images away only where they can be made again.
  force_delete = var.is_temporary

  image_scanning_configuration {
    scan_on_push = true
  }

  # Cannot be changed later: another key replaces the repository.
  encryption_configuration {
    encryption_type = var.kms_key_arn == null ? "AES256" : "KMS"
    kms_key         = var.kms_key_arn
  }

  tags = { description = each.value.description }
}
