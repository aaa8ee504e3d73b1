# Built by glue before the plan and named by their content: the same code gives an empty plan.
resource "aws_lambda_layer_version" "libraries" {
  layer_name               = "${var.prefix}glue-libraries"
  description              = "Python libraries of every function."
  filename                 = var.packages.layer_path
  source_code_hash         = var.packages.layer_hash
  compatible_runtimes      = [var.packages.runtime]
  compatible_architectures = [var.packages.architecture]

  # Functions move to the new version before the old one goes.
  lifecycle {
    create_before_destroy = true
  }
}

locals {
  package = {
    path         = var.packages.code_path
    hash         = var.packages.code_hash
    layers       = [aws_lambda_layer_version.libraries.arn]
    runtime      = var.packages.runtime
    architecture = var.packages.architecture
  }
}
