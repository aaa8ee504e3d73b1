"""Sealed plans against a real S3 backend: a small platform in an account of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from glue.deploy import state
from glue.deploy.drain.buckets import empty
from glue.deploy.environments import Environment
from glue.deploy.holder import liveness
from glue.deploy.packages import builder
from glue.deploy.plans import deployment, refusals
from glue.deploy.process import TerraformError
from glue.deploy.project import Project, write_json
from glue.errors import Conflict
from tests.platform import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.platform import Platform

ACCOUNT, OTHER_ACCOUNT = "222222222222", "333333333333"
REGION = "eu-central-1"
SMALL = """
terraform {
  required_version = ">= 1.11"
  backend "s3" {}
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region      = "eu-central-1"
  max_retries = 2
}

variable "environment" { type = string }
variable "account_id" { type = string }
variable "packages" { type = any }
variable "partition_key" {
  type    = string
  default = "team-id"
}
variable "seconds" {
  type    = number
  default = 0
}

resource "aws_dynamodb_table" "results" {
  name         = "sealed-results"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = var.partition_key
  attribute {
    name = var.partition_key
    type = "S"
  }
}

resource "aws_vpc" "ground" {
  count      = var.seconds > 0 ? 1 : 0
  cidr_block = "10.77.0.0/16"
  tags       = { Name = "sealed" }
}

# Keeps an apply at work for as long as a test needs.
resource "terraform_data" "slow" {
  count = var.seconds > 0 ? 1 : 0
  input = aws_vpc.ground[0].id
  provisioner "local-exec" {
    command = "sleep ${var.seconds}"
  }
}

output "environment" { value = var.environment }
"""


@pytest.fixture
def staging(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Environment]:
    """A small environment in its own account of the running cloud, with its own state bucket."""
    repository = tmp_path / "repository"
    environments = repository / "terraform" / "platform" / "environments"
    environments.mkdir(parents=True)
    (repository / "modules").mkdir()
    (environments.parent / "main.tf").write_text(SMALL)
    shutil.copy(ROOT / "terraform/platform/.terraform.lock.hcl", environments.parent)
    write_variables(environments)
    build = tmp_path / "build"
    for name, value in {
        "AWS_ENDPOINT_URL": platform.endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    write_json(build / "packages" / "aws.tfvars.json", {"packages": {}})
    monkeypatch.setattr(builder, "build", lambda *_: None)
    made = Environment.load("staging", Project(repository, build, build / "local"))
    storage = made.client("s3")
    place: Any = {"LocationConstraint": REGION}
    storage.create_bucket(Bucket=made.state_bucket, CreateBucketConfiguration=place)
    storage.put_bucket_versioning(
        Bucket=made.state_bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    yield made
    tables, ground = made.client("dynamodb"), made.client("ec2")
    for table in tables.list_tables()["TableNames"]:
        tables.delete_table(TableName=table)
    for vpc in vpcs(made):
        ground.delete_vpc(VpcId=vpc)
    empty(storage, made.state_bucket, bypass=False)
    storage.delete_bucket(Bucket=made.state_bucket)


def write_variables(folder: Path, **values: Any) -> None:
    lines = {"environment": "staging", "account_id": ACCOUNT} | values
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())
    (folder / "staging.tfvars").write_text(text)


def change(environment: Environment, **values: Any) -> None:
    write_variables(environment.project.root / "environments", **values)


def vpcs(environment: Environment) -> list[str]:
    found = environment.client("ec2").describe_vpcs()["Vpcs"]
    return [one["VpcId"] for one in found if one["CidrBlock"] == "10.77.0.0/16"]


def codes(environment: Environment, **options: Any) -> set[str]:
    with pytest.raises(refusals.Refused) as caught:
        deployment.examine(environment, **options)
    return {one.code for one in caught.value.refusals}


def test_a_plan_is_applied_once_and_what_it_would_lose_is_asked_for(staging: Environment) -> None:
    first = deployment.plan(staging)
    assert first.summary.counts == {"create": 1}
    assert deployment.apply(staging) == {"environment": "staging"}
    assert state.backups(staging) == (), "there was nothing to keep"
    deployment.verify(staging)
    assert codes(staging) == {"no_plan"}

    change(staging, partition_key="submission-id")
    text = deployment.plan(staging).summary.to_markdown()
    assert "would lose: **table sealed-results with everything in it**" in text
    assert '`hash_key` `"team-id"` → `"submission-id"`' in text
    assert codes(staging) == {"data_loss"}
    assert codes(staging, allow=["aws_dynamodb_table.other"]) == {"data_loss", "unknown_allow"}
    assert codes(staging, confirm="prod") == {"data_loss", "not_confirmed"}
    change(staging, partition_key="another")
    assert codes(staging, allow=["aws_dynamodb_table.results"]) == {"changed_variables"}
    change(staging, partition_key="submission-id")
    deployment.apply(staging, allow=["aws_dynamodb_table.results"])
    deployment.verify(staging)

    before, *older = state.backups(staging)
    assert older == []
    then = staging.terraform().pull_state()
    assert before.serial < then["serial"]
    assert state.restore(staging, before.name) == then["serial"] + 1
    restored = staging.terraform().pull_state()
    assert restored["lineage"] == then["lineage"]
    assert restored["resources"][0]["instances"][0]["attributes"]["hash_key"] == "team-id"
    assert len(state.backups(staging)) == 2, "what was replaced is kept as well"


def test_another_account_endpoint_or_state_is_refused(
    staging: Environment, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.plan(staging)
    with monkeypatch.context() as shell:
        shell.setenv("AWS_ACCESS_KEY_ID", OTHER_ACCOUNT)
        shell.setenv("AWS_ENDPOINT_URL", f"http://localhost:{platform.port}")
        elsewhere = Environment.load("staging", staging.project)
        assert codes(elsewhere) == {"other_account", "other_endpoint"}
        with pytest.raises(Conflict, match=f"of account {OTHER_ACCOUNT}, but staging lives in"):
            deployment.plan(elsewhere)


def test_a_plan_made_before_another_apply_is_refused(staging: Environment, tmp_path: Path) -> None:
    deployment.plan(staging)
    folder = staging.project.plan_folder("staging")
    shutil.copytree(folder, tmp_path / "kept")
    deployment.apply(staging)
    shutil.copytree(tmp_path / "kept", folder, dirs_exist_ok=True)
    assert codes(staging) == {"state_moved"}


APPLY = """
import sys
from pathlib import Path
from glue.deploy.environments import Environment
from glue.deploy.packages import builder
from glue.deploy.plans import deployment
from glue.deploy.project import Project
builder.build = lambda *_: None
folder = Path(sys.argv[1])
project = Project(folder / "repository", folder / "build", folder / "build" / "local")
deployment.apply(Environment.load("staging", project), lambda line: print(line, flush=True))
"""


def start_apply(environment: Environment, line: str) -> subprocess.Popen[str]:
    """Start an apply in a process of its own, and wait until it has printed a line."""
    folder = environment.project.repository.parent
    process = subprocess.Popen(
        [sys.executable, "-c", APPLY, str(folder)],
        cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    if not any(line in text for text in process.stdout):
        raise AssertionError(process.communicate()[1])
    return process


def terraform_below(process: subprocess.Popen[str]) -> psutil.Process:
    below = psutil.Process(process.pid).children(recursive=True)
    return next(one for one in below if one.name() == "terraform")


def test_an_apply_that_was_killed_is_explained_and_taken_up(staging: Environment) -> None:
    change(staging, seconds=600)
    deployment.plan(staging)
    process = start_apply(staging, "terraform_data.slow[0]: Creating...")
    held = state.lock(staging)
    assert held is not None
    assert liveness(held) == "alive"
    assert "that terraform still runs on this machine" in state.explain(held)
    with pytest.raises(Conflict, match="its holder is at work"):
        state.unlock(staging, held.id)
    with pytest.raises(TerraformError, match="does not match the existing lock"):
        staging.terraform().force_unlock("00000000-0000-0000-0000-000000000000")

    children = terraform_below(process).children(recursive=True)
    terraform_below(process).send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) != 0
    for child in children:
        child.kill() if child.is_running() else None
    assert len(vpcs(staging)) == 1
    log = staging.project.terraform_folder("staging") / "logs" / "plan.log"
    log.unlink()
    with pytest.raises(Conflict, match="so it was interrupted") as caught:
        deployment.plan(staging)
    assert not log.exists(), "nobody waits for a holder that is gone"
    assert caught.value.code == "locked"
    assert f"glue deploy unlock --env staging --id {held.id}" in caught.value.remedy
    with pytest.raises(Conflict, match="younger than"):
        state.unlock(staging, held.id)
    with pytest.raises(Conflict, match="is not its id"):
        state.unlock(staging, "another", confirmed=True)
    state.unlock(staging, held.id, confirmed=True)

    change(staging, seconds=1)
    deployment.plan(staging)
    deployment.apply(staging)
    deployment.verify(staging)
    assert len(vpcs(staging)) == 1, "what the killed run had made is used, not made again"


def test_of_two_applies_at_once_the_second_hears_who_is_first(
    staging: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(staging, seconds=20)
    deployment.plan(staging)
    process = start_apply(staging, "terraform_data.slow[0]: Creating...")
    monkeypatch.setattr("glue.deploy.terraform.LOCK_PATIENCE", "1s")
    with pytest.raises(Conflict, match=r"has held it for apply since .*still runs") as caught:
        deployment.apply(staging)
    assert caught.value.remedy == "wait until it has ended"
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
