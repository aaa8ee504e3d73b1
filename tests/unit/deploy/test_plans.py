from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from glue.deploy import catalogue_secret, packages, plans
from glue.deploy.environments import Environment, LocalCloud
from glue.deploy.project import Project, write_json
from glue.errors import Conflict, InputError, NotFound

pytestmark = pytest.mark.terraform


@pytest.fixture
def local(project: Project, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """The local environment with its state in a folder and its packages as they are."""
    backend = project.build / "backend.hcl"
    backend.write_text(f'path = "{project.build}/s"\nworkspace_dir = "{project.build}/states"\n')
    monkeypatch.setattr(Environment, "prepare_backend", lambda _: backend)
    monkeypatch.setattr(packages, "build", lambda *_: None)
    return Environment.load("local", project, cloud)


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_plan_apply_and_plan_again(local: Environment) -> None:
    project = local.project
    planned = plans.plan(local)
    assert planned.summary.counts == {"create": 1}
    assert {path.name for path in planned.folder.iterdir()} == {
        "plan.tfplan",
        "plan.json",
        "summary.md",
        "inputs.json",
    }
    assert planned.plan.stat().st_mode & 0o077 == 0
    write_json(project.local_home / plans.MARKER, {"fingerprint": "old"})
    lines: list[str] = []
    assert plans.apply(local, lines.append) == {"environment": "local"}
    assert any("Apply complete" in line for line in lines)
    assert json.loads(project.outputs_file("local").read_text()) == {"environment": "local"}
    assert not (project.local_home / plans.MARKER).exists(), "what was applied is not known now"
    plans.verify(local)
    assert plans.settle(local) == {"environment": "local"}
    with pytest.raises(NotFound, match="there is no plan for local"):
        plans.apply(local)


def test_second_plan_that_is_not_empty(local: Environment) -> None:
    plans.plan(local)
    plans.apply(local)
    edit(local.project.root / "main.tf", "input = var.environment", "input = timestamp()")
    with pytest.raises(InputError, match=r"second plan: it is not empty: terraform_data\.thing"):
        plans.verify(local)
    assert not (local.project.plan_folder("local") / "second.tfplan").exists()


def test_second_plan_with_an_output_only(local: Environment) -> None:
    plans.plan(local)
    plans.apply(local)
    edit(local.project.root / "main.tf", "terraform_data.thing.output", '"another"')
    with pytest.raises(InputError, match="it is not empty: environment"):
        plans.verify(local)


def test_changed_inputs_are_named(local: Environment) -> None:
    project = local.project
    plans.plan(local)
    (project.modules / "queue" / "main.tf").write_text("# another\n")
    edit(project.variables_file("local"), "local", "local ")
    (project.build / "packages" / "local.tfvars.json").write_text("{}")
    project.lock_file.write_text("# new\n")
    with pytest.raises(
        Conflict, match="changed since it was made: configuration, lock file, variables, packages"
    ):
        plans.apply(local)


def test_what_is_no_configuration_changes_nothing(local: Environment) -> None:
    project = local.project
    before = plans.fingerprint(local)
    (project.modules / "queue" / "README.md").write_text("words")
    (project.modules / "queue" / "tests").mkdir()
    (project.modules / "queue" / "tests" / "a.tftest.hcl").write_text("run x {}")
    (project.root / ".terraform").mkdir()
    (project.root / ".terraform" / "x").write_text("")
    project.variables_file("staging").write_text("other")
    assert plans.fingerprint(local) == before
    (project.modules / "queue" / "policy.json").write_text("{}")
    assert plans.fingerprint(local) != before


def test_where_the_cloud_listens_is_part_of_the_fingerprint(
    local: Environment, cloud: LocalCloud
) -> None:
    moved = cloud.model_copy(update={"endpoint": "http://127.0.0.1:4652"})
    elsewhere = Environment.load("local", local.project, moved)
    assert plans.fingerprint(elsewhere) != plans.fingerprint(local)


def test_a_failed_plan_leaves_no_old_one(local: Environment) -> None:
    plans.plan(local)
    edit(local.project.root / "main.tf", "default = false", "default = true")
    with pytest.raises(InputError, match="It was told to fail"):
        plans.plan(local)
    with pytest.raises(NotFound):
        plans.saved_plan(local)


# ------------------------------------------------------------------ the catalogue's secret


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        client: Any = boto3.client(
            "secretsmanager",
            region_name="eu-central-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        monkeypatch.setattr(Environment, "client", lambda *_: client)
        yield client


@pytest.fixture
def outputs(secrets: Any) -> dict[str, Any]:
    made = secrets.create_secret(Name="local-catalogue")
    return {"recordings": {"catalogue_secret_arn": made["ARN"]}}


def value(secrets: Any, outputs: dict[str, Any]) -> Any:
    arn = outputs["recordings"]["catalogue_secret_arn"]
    return json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])


def test_local_password_is_written_once(
    local: Environment, secrets: Any, outputs: dict[str, Any]
) -> None:
    write_json(local.project.local_home / "secrets.json", {"catalogue": "p"})
    assert catalogue_secret.write(local, outputs)
    assert value(secrets, outputs) == {"password": "p"}
    assert not catalogue_secret.write(local, outputs), "it is there already"
    write_json(local.project.local_home / "secrets.json", {"catalogue": "q"})
    assert catalogue_secret.write(local, outputs)
    assert value(secrets, outputs) == {"password": "q"}


@pytest.mark.parametrize("given", [{}, {"recordings": {}}])
def test_a_platform_without_the_secret(local: Environment, given: dict[str, Any]) -> None:
    assert not catalogue_secret.write(local, given)


def test_local_password_that_is_lost(local: Environment, outputs: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="does not hold the password"):
        catalogue_secret.write(local, outputs)
    write_json(local.project.local_home / "secrets.json", {"other": "p"})
    with pytest.raises(InputError, match="glue local reset"):
        catalogue_secret.write(local, outputs)


def test_password_elsewhere_comes_from_the_shell(
    project: Project, secrets: Any, outputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = Environment.load("staging", project)
    with pytest.raises(InputError, match="has no value; set PROVING_GROUND_CATALOGUE_PASSWORD"):
        catalogue_secret.write(staging, outputs)
    monkeypatch.setenv("PROVING_GROUND_CATALOGUE_PASSWORD", "s")
    assert catalogue_secret.write(staging, outputs)
    assert value(secrets, outputs) == {"password": "s"}
    monkeypatch.delenv("PROVING_GROUND_CATALOGUE_PASSWORD")
    assert not catalogue_secret.write(staging, outputs), "the value stays as it is"
