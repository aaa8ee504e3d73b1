"""A small project with two environments, and contexts of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from glue.checks.report import Result
from glue.checks.run import Subject
from glue.deploy.environments import Environment
from glue.deploy.project import Project
from glue.doctor.context import Context
from tests.unit.doctor.files import Ask, write

ROOT = """
variable "environment" { type = string }
variable "account_id" { type = string }
variable "prefix" { type = string }
variable "packages" { type = any }
variable "network" {
  type    = any
  default = null
}
variable "cluster" {
  type    = any
  default = null
}
variable "batch" {
  type    = any
  default = null
}
"""
LOCK_FILE = """
provider "registry.terraform.io/hashicorp/aws" {
  version = "5.100.0"
  hashes = [
    "h1:a",
    "zh:b",
    "zh:c",
  ]
}
"""


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "TF_", "PROVING_GROUND_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    repository = tmp_path / "repository"
    root = repository / "terraform" / "platform"
    (root / "environments").mkdir(parents=True)
    (root / "main.tf").write_text(ROOT)
    (root / ".terraform.lock.hcl").write_text(LOCK_FILE)
    made = Project(repository, tmp_path / "build", tmp_path / "build" / "local")
    write(made, "staging", account="111111111111")
    write(made, "prod", account="222222222222")
    return made


@pytest.fixture
def ask(project: Project) -> Ask:
    """Ask a subject, of an environment where one is named, with AWS's services given by name."""

    def one(
        subject: Subject[Context], env: str = "staging", services: Any = None
    ) -> dict[str, Result]:
        deployment = Environment.load(env, project) if env else None
        made = Context.of(project, deployment)
        if services is not None:
            made._kept.update({("client", name): client for name, client in services.items()})
        return {result.id: result for result in subject.ask(made)}

    return one
