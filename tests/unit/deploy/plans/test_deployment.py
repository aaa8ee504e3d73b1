from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from glue.deploy import catalogue_secret
from glue.deploy.environments import Environment, LocalCloud
from glue.deploy.holder import Lock
from glue.deploy.plans import deployment, losses
from glue.deploy.plans.losses import DataClass
from glue.deploy.plans.refusals import Refused
from glue.deploy.process import TerraformError
from glue.deploy.project import Project, write_json
from glue.deploy.recovery import recovery
from glue.deploy.terraform import Terraform
from glue.errors import Conflict, InputError

pytestmark = pytest.mark.terraform


@pytest.fixture
def local(project: Project, cloud: LocalCloud, ground: Any) -> Environment:
    """The local environment with its state in a folder and its packages as they are."""
    ground.account = "000000000000"
    return Environment.load("local", project, cloud)


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_plan_apply_and_plan_again(local: Environment, ground: Any) -> None:
    project = local.project
    planned = deployment.plan(local)
    assert planned.summary.counts == {"create": 1}
    assert {path.name for path in planned.folder.iterdir()} == {
        "plan.tfplan",
        "plan.json",
        "seal.json",
        "summary.json",
        "summary.md",
    }
    for name in ("plan.tfplan", "plan.json"):
        assert (planned.folder / name).stat().st_mode & 0o077 == 0
    assert (planned.folder / "summary.md").read_text() == planned.summary.to_markdown()
    assert json.loads((planned.folder / "summary.json").read_text())["counts"] == {"create": 1}
    write_json(project.local_home / deployment.MARKER, {"fingerprint": "old"})
    lines: list[str] = []
    assert deployment.apply(local, lines.append) == {"environment": "local"}
    assert any("Apply complete" in line for line in lines)
    assert json.loads(project.outputs_file("local").read_text()) == {"environment": "local"}
    assert not (project.local_home / deployment.MARKER).exists(), (
        "what was applied is not known now"
    )
    assert not recovery.journal(local).exists()
    assert ground.backups == ["local"]
    deployment.verify(local)
    assert deployment.settle(local) == {"environment": "local"}
    with pytest.raises(Refused, match="there is no plan for local"):
        deployment.apply(local)


def test_a_plan_made_before_another_apply(local: Environment) -> None:
    folder = deployment.plan(local).folder
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    deployment.apply(local)
    for path, content in kept.items():
        path.write_bytes(content)
    with pytest.raises(Refused, match="the state has moved on: there was none then, serial 2"):
        deployment.apply(local)


def test_data_is_lost_only_by_its_address(
    local: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(losses.DATA_CLASSES, "terraform_data", DataClass("thing", "and all"))
    deployment.plan(local)
    deployment.apply(local)
    edit(local.project.root / "main.tf", "input = var.", "triggers_replace = 1\n  input = var.")
    assert [c.address for c in deployment.plan(local).summary.data_losses] == [
        "terraform_data.thing"
    ]
    with pytest.raises(Refused, match="would lose: thing and all"):
        deployment.apply(local)
    deployment.apply(local, allow=["terraform_data.thing"])
    deployment.verify(local)


def test_second_plan_that_is_not_empty(local: Environment) -> None:
    deployment.plan(local)
    deployment.apply(local)
    edit(local.project.root / "main.tf", "input = var.environment", "input = timestamp()")
    with pytest.raises(InputError) as caught:
        deployment.verify(local)
    assert 'it is not empty:\n  `~ terraform_data.thing`: `input` `"local"` →' in str(caught.value)
    assert caught.value.code == "not_empty"
    assert not (local.project.plan_folder("local") / "second.tfplan").exists()


def test_second_plan_with_an_output_only(local: Environment) -> None:
    deployment.plan(local)
    deployment.apply(local)
    edit(local.project.root / "main.tf", "terraform_data.thing.output", '"another"')
    with pytest.raises(InputError, match="it is not empty:\n  output environment"):
        deployment.verify(local)


def test_a_long_second_plan_is_cut(local: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.plan(local)
    deployment.apply(local)
    monkeypatch.setattr(deployment, "MOST_LISTED", 1)
    edit(local.project.root / "main.tf", "input = var.environment", "input = timestamp()")
    with pytest.raises(InputError, match="and 1 more"):
        deployment.verify(local)


def test_a_failed_plan_leaves_no_old_one(local: Environment) -> None:
    folder = deployment.plan(local).folder
    edit(local.project.root / "main.tf", "default = false", "default = true")
    with pytest.raises(InputError, match="It was told to fail"):
        deployment.plan(local)
    assert list(folder.iterdir()) == []
    with pytest.raises(Refused, match="there is no plan"):
        deployment.saved_plan(local)


def test_nothing_is_planned_for_another_account(local: Environment, ground: Any) -> None:
    ground.account = "999999999999"
    with pytest.raises(Conflict, match="of account 999999999999, but local lives in 000000000000"):
        deployment.plan(local)
    assert not local.project.plan_folder("local").exists()


def test_an_apply_that_fails_keeps_its_plan_and_one_that_is_killed_its_note(
    local: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = deployment.plan(local)
    codes = [1, -9]

    def fail(*_: Any) -> None:
        raise TerraformError("apply", "no", "see", codes.pop(0))

    monkeypatch.setattr(Terraform, "apply", fail)
    for is_noted in (False, True):
        with pytest.raises(TerraformError):
            deployment.apply(local)
        assert recovery.journal(local).is_file() is is_noted
        assert planned.plan.is_file()
    monkeypatch.undo()


def test_what_a_killed_apply_made_is_told_in_the_next_plan(local: Environment) -> None:
    deployment.plan(local)
    recovery.begin(local)
    log = local.project.terraform_folder("local") / "logs" / "apply.log"
    log.write_text("aws_vpc.thing: Creating...\nterraform_data.thing: Creating...\n")
    text = deployment.plan(local).summary.to_markdown()
    assert "**Note:** the last apply was killed while it made these" in text
    assert "so they are made now: aws_vpc.thing." in text
    assert "killed" not in deployment.plan(local).summary.to_markdown(), "it is told once"


def test_nothing_is_done_while_a_dead_run_holds_the_state(
    local: Environment, ground: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.plan(local)
    ground.lock = Lock(id="7", created=datetime.now(UTC), environment="local")
    monkeypatch.setattr("glue.deploy.state.liveness", lambda _: "gone")
    for act in (deployment.plan, deployment.verify):
        with pytest.raises(Conflict, match="glue deploy unlock --env local --id 7"):
            act(local)
    ground.lock = None
    deployment.plan(local)
    ground.lock = Lock(id="7", created=datetime.now(UTC), environment="local")
    with pytest.raises(Conflict, match="it is locked"):
        deployment.apply(local)


def test_what_is_no_configuration_changes_nothing(local: Environment) -> None:
    project = local.project
    before = deployment.fingerprint(local)
    (project.modules / "queue" / "README.md").write_text("words")
    (project.modules / "queue" / "tests").mkdir()
    (project.modules / "queue" / "tests" / "a.tftest.hcl").write_text("run x {}")
    (project.root / ".terraform").mkdir()
    (project.root / ".terraform" / "x").write_text("")
    project.variables_file("staging").write_text("other")
    assert deployment.fingerprint(local) == before
    (project.modules / "queue" / "policy.json").write_text("{}")
    assert deployment.fingerprint(local) != before


def test_where_the_cloud_listens_is_part_of_the_fingerprint(
    local: Environment, cloud: LocalCloud
) -> None:
    moved = cloud.model_copy(update={"endpoint": "http://127.0.0.1:4652"})
    elsewhere = Environment.load("local", local.project, moved)
    assert deployment.fingerprint(elsewhere) != deployment.fingerprint(local)


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
