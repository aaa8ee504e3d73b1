"""A small repository to deploy: real Terraform, nothing of AWS in it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from glue.deploy.environments import LocalCatalogue, LocalCloud
from glue.deploy.project import Project

ROOT = """
terraform {
  required_version = ">= 1.11"
  backend "local" {}
}
variable "environment" { type = string }
variable "account_id" { type = string }
variable "packages" { type = any }
variable "local" {
  type    = any
  default = null
}
variable "fails" {
  type    = bool
  default = false
}
resource "terraform_data" "thing" {
  input = var.environment
  lifecycle {
    precondition {
      condition     = !var.fails
      error_message = "It was told to fail."
    }
  }
}
output "environment" { value = terraform_data.thing.output }
"""


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the shell's AWS and Terraform variables out, and any real account with them."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "TF_", "PROVING_GROUND_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    repository = tmp_path / "repository"
    environments = repository / "terraform" / "platform" / "environments"
    environments.mkdir(parents=True)
    (repository / "modules" / "queue").mkdir(parents=True)
    (repository / "modules" / "queue" / "main.tf").write_text("# a queue\n")
    (environments.parent / "main.tf").write_text(ROOT)
    for name, account in (("local", "000000000000"), ("staging", "111111111111")):
        text = f'environment = "{name}"\naccount_id  = "{account}"\n'
        (environments / f"{name}.tfvars").write_text(text)
    build = tmp_path / "build"
    for target in ("aws", "local"):
        path = build / "packages" / f"{target}.tfvars.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"packages": {"code_path": "code.zip"}}))
    return Project(repository, build, build / "local")


@pytest.fixture
def cloud() -> LocalCloud:
    catalogue = LocalCatalogue(host="127.0.0.1", port=4651, database="catalogue", user="catalogue")
    return LocalCloud(endpoint="http://127.0.0.1:4650", postgres=catalogue)
