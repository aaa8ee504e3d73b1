"""A small repository to deploy: real Terraform, nothing of AWS in it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glue.deploy import state
from glue.deploy.environments import Environment, LocalCatalogue, LocalCloud
from glue.deploy.holder import Lock
from glue.deploy.packages import builder
from glue.deploy.plans import deployment, refusals, seal
from glue.deploy.plans.refusals import Refused
from glue.deploy.plans.seal import Seal, circumstances, seal_of
from glue.deploy.project import Project, write_json

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


# ------------------------------------------------------------------ sealed plans


class FakeTerraform:
    """A Terraform whose workspace, version and state are what a test says."""

    def __init__(self, workspace: str, folder: Path) -> None:
        self.workspace = workspace
        self.folder = folder
        self.numbers: tuple[int, ...] = (1, 11, 4)
        self.state: dict[str, Any] = {"lineage": "l", "serial": 3, "resources": []}
        self.did: list[str] = []

    def selected_workspace(self) -> str:
        return self.workspace

    def version(self) -> tuple[int, ...]:
        return self.numbers

    def pull_state(self) -> dict[str, Any]:
        return self.state


class Ground:
    """What AWS, the state's bucket and Terraform say, for environments without any of them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.account = ""
        self.lock: Lock | None = None
        self.backups: list[str] = []

    def environment(self, name: str = "staging") -> Environment:
        """Return an environment to which nobody has ever applied anything."""
        made = Environment.load(name, self.project)
        self.account = self.account or made.facts.account_id
        return made

    def git(self, *arguments: str) -> str:
        """Run git in the repository, as somebody of whom git knows a name."""
        person = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        return subprocess.run(
            ["git", *person, *arguments],
            cwd=self.project.repository, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip


@pytest.fixture
def ground(project: Project, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """Staging and prod with their state in a folder, their packages as they are, in git."""
    made = Ground(project)
    backend = project.build / "backend.hcl"
    backend.write_text(f'path = "{project.build}/s"\nworkspace_dir = "{project.build}/states"\n')
    text = 'environment = "prod"\naccount_id  = "222222222222"\n'
    project.variables_file("prod").write_text(text)
    (project.root / "code.zip").write_bytes(b"code")
    monkeypatch.setattr(Environment, "prepare_backend", lambda _: backend)
    monkeypatch.setattr(builder, "build", lambda *_: None)
    monkeypatch.setattr(seal, "account_in_force", lambda _: made.account)
    monkeypatch.setattr(state, "lock", lambda _: made.lock)
    monkeypatch.setattr(state, "backup", lambda environment: made.backups.append(environment.name))
    made.git("init", "--quiet")
    made.git("add", ".")
    made.git("commit", "--quiet", "--message", "all")
    return made


class Saved:
    """A saved plan that would be applied if nothing happened to it."""

    def __init__(
        self, ground: Ground, terraform: FakeTerraform, name: str, content: dict[str, Any]
    ) -> None:
        self.ground = ground
        self.terraform = terraform
        self.environment: Environment = ground.environment(name)
        self.folder: Path = ground.project.plan_folder(name)
        write_json(self.folder / "plan.json", content)
        (self.folder / "plan.tfplan").write_bytes(b"plan")
        given: Any = terraform
        self.seal = seal_of(circumstances(self.environment, given), self.folder)
        self.seal.write(self.folder)

    def reseal(self, **changes: Any) -> None:
        """Write the seal again as if other things had been so when the plan was made."""
        Seal.model_validate(self.seal.model_dump() | changes).write(self.folder)

    def refused(self, **options: Any) -> list[refusals.Refusal]:
        with pytest.raises(Refused) as caught:
            deployment.examine(self.environment, **options)
        return list(caught.value.refusals)

    def codes(self, **options: Any) -> list[str]:
        return [one.code for one in self.refused(**options)]


@pytest.fixture
def save(ground: Ground, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Saved]:
    def make(name: str = "staging", content: dict[str, Any] | None = None) -> Saved:
        terraform = FakeTerraform(name, tmp_path)
        monkeypatch.setattr(Environment, "terraform", lambda *_: terraform)
        return Saved(ground, terraform, name, content or {})

    return make
