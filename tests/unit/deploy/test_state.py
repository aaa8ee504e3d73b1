from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from glue.deploy import state
from glue.deploy.environments import Environment
from glue.deploy.process import TerraformError
from glue.deploy.project import Project
from glue.errors import Conflict, InputError, NotFound

BUCKET = "staging-terraform-state-111111111111"
KEY = "env:/staging/platform.tfstate"
HERE = f"root@{socket.gethostname()}"
RESOURCES = [{"mode": "managed", "type": "a", "name": "b", "instances": [{}]}]


class Terraform:
    """What becomes of a state that is pushed, and which lock was taken away."""

    def __init__(self, storage: Any) -> None:
        self.storage = storage
        self.unlocked: list[str] = []

    def pull_state(self) -> dict[str, Any]:
        try:
            body = self.storage.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
        except ClientError:
            return {}
        pulled: dict[str, Any] = json.loads(body)
        return pulled

    def push_state(self, pushed: dict[str, Any]) -> None:
        self.storage.put_object(Bucket=BUCKET, Key=KEY, Body=json.dumps(pushed))

    def force_unlock(self, lock_id: str) -> None:
        self.unlocked.append(lock_id)
        self.storage.delete_object(Bucket=BUCKET, Key=f"{KEY}.tflock")


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        client: Any = boto3.client(
            "s3",
            region_name="eu-central-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        place: Any = {"LocationConstraint": "eu-central-1"}
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        monkeypatch.setattr(Environment, "client", lambda *_: client)
        yield client


@pytest.fixture
def terraform(storage: Any, monkeypatch: pytest.MonkeyPatch) -> Terraform:
    made = Terraform(storage)
    monkeypatch.setattr(Environment, "terraform", lambda *_: made)
    return made


@pytest.fixture
def staging(project: Project, terraform: Terraform) -> Environment:
    return Environment.load("staging", project)


def hold(storage: Any, *, who: str = HERE, seconds: float = 3600) -> None:
    created = datetime.now(UTC) - timedelta(seconds=seconds)
    content = {
        "ID": "6f1e",
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": who,
        "Version": "1.11.4",
        # Terraform writes nine digits of a second.
        "Created": f"{created:%Y-%m-%dT%H:%M:%S}.123456789Z",
        "Path": f"{BUCKET}/{KEY}",
    }
    storage.put_object(Bucket=BUCKET, Key=f"{KEY}.tflock", Body=json.dumps(content))


def write(storage: Any, serial: int, lineage: str = "l", **more: Any) -> None:
    body = {"version": 4, "serial": serial, "lineage": lineage, "resources": RESOURCES} | more
    storage.put_object(Bucket=BUCKET, Key=KEY, Body=json.dumps(body))


# ------------------------------------------------------------------ the lock


def test_a_state_that_nobody_holds(staging: Environment, storage: Any) -> None:
    assert state.lock(staging) is None
    storage.delete_bucket(Bucket=BUCKET)
    assert state.lock(staging) is None


def test_a_lock_is_explained(staging: Environment, storage: Any) -> None:
    hold(storage)
    held = state.lock(staging)
    assert held is not None
    assert (held.id, held.who, held.version, held.verb) == ("6f1e", HERE, "1.11.4", "apply")
    assert 3590 < held.age_seconds < 3700
    text = state.explain(held)
    assert text.startswith(f"{HERE} has held it for apply since 20")
    assert "UTC (60 minutes)" in text
    assert "no terraform of theirs runs on this machine any more" in text
    error = state.locked(held)
    assert error.code == "locked"
    assert "`glue deploy unlock --env staging --id 6f1e`, then plan again" in error.remedy
    hold(storage, who="ci@runner-7")
    elsewhere = state.lock(staging)
    assert elsewhere is not None
    assert "another machine" in state.explain(elsewhere)
    assert "ask them" in state.locked(elsewhere).remedy


def test_a_lock_that_is_none(staging: Environment, storage: Any) -> None:
    storage.put_object(Bucket=BUCKET, Key=f"{KEY}.tflock", Body=b"{}")
    with pytest.raises(InputError, match="is not what Terraform writes"):
        state.lock(staging)


def test_other_errors_of_s3_are_raised(
    staging: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Denied:
        def get_object(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")

    monkeypatch.setattr(Environment, "client", lambda *_: Denied())
    for act in (state.lock, state.backup):
        with pytest.raises(ClientError, match="AccessDenied"):
            act(staging)


def complain(environment: Environment, message: str) -> None:
    with state.explained(environment):
        raise TerraformError("plan", message, "see")


def test_terraforms_complaint_is_explained(
    staging: Environment, storage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = "Error acquiring the state lock"
    with pytest.raises(TerraformError, match=refused):
        complain(staging, refused)
    monkeypatch.setattr(state, "liveness", lambda _: "alive")
    hold(storage)
    with pytest.raises(Conflict, match="has held it for apply") as caught:
        complain(staging, refused)
    assert caught.value.remedy == "wait until it has ended"
    with pytest.raises(TerraformError, match="AccessDenied"):
        complain(staging, "AccessDenied")
    with state.explained(staging):
        pass  # Terraform itself waits for a holder that is alive


def test_nobody_waits_for_a_holder_that_is_gone(staging: Environment, storage: Any) -> None:
    hold(storage)
    entered = False
    with pytest.raises(Conflict, match="it was interrupted"), state.explained(staging):
        entered = True
    assert not entered


def test_a_run_that_ends_between_two_looks_is_not_taken_for_dead(
    staging: Environment, storage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(storage)
    looks = [state.lock(staging), None]
    monkeypatch.setattr(state, "lock", lambda _: looks.pop(0))
    with state.explained(staging):
        assert looks == []


# ------------------------------------------------------------------ unlocking


def test_a_dead_lock_is_taken_away(
    staging: Environment, storage: Any, terraform: Terraform
) -> None:
    with pytest.raises(NotFound, match="nobody holds the state of staging"):
        state.unlock(staging, "6f1e")
    hold(storage)
    with pytest.raises(Conflict, match="7777 is not its id: root@") as caught:
        state.unlock(staging, "7777", confirmed=True)
    assert caught.value.code == "other_lock"
    assert state.unlock(staging, "6f1e").who == HERE
    assert terraform.unlocked == ["6f1e"]


@pytest.mark.parametrize(
    ("who", "seconds", "is_running", "reason"),
    [
        (HERE, 3600, True, "its holder is at work"),
        ("ci@elsewhere", 3600, False, "its holder may be at work"),
        (HERE, 30, False, "it is younger than 3 minutes"),
    ],
)
def test_a_lock_that_may_be_alive_is_taken_only_when_confirmed(
    staging: Environment,
    storage: Any,
    terraform: Terraform,
    monkeypatch: pytest.MonkeyPatch,
    who: str,
    seconds: float,
    is_running: bool,
    reason: str,
) -> None:
    monkeypatch.setattr("glue.deploy.holder._may_hold", lambda *_: is_running)
    hold(storage, who=who, seconds=seconds)
    with pytest.raises(Conflict, match=reason) as caught:
        state.unlock(staging, "6f1e")
    assert caught.value.remedy == "make sure that nothing runs, then add `--confirm staging`"
    assert terraform.unlocked == []
    state.unlock(staging, "6f1e", confirmed=True)
    assert terraform.unlocked == ["6f1e"]


# ------------------------------------------------------------------ backups


def test_there_is_nothing_to_keep_before_the_first_apply(
    staging: Environment, storage: Any
) -> None:
    assert state.backup(staging) is None
    write(storage, 1, resources=[])
    assert state.backup(staging) is None
    assert state.backups(staging) == ()


def test_backups_are_listed_newest_first(staging: Environment, storage: Any) -> None:
    made = []
    for serial in (3, 4):
        write(storage, serial)
        made.append(state.backup(staging))
    for name in ("notes.txt", "20260101T000000Z-serial-1.tfstate"):
        storage.put_object(Bucket=BUCKET, Key=f"backups/staging/{name}", Body=b"{}")
    storage.put_object(
        Bucket=BUCKET, Key="backups/prod/20260101T000000Z-serial-9.tfstate", Body=b"{}"
    )
    found = state.backups(staging)
    assert [one.serial for one in found] == [4, 3, 1]
    assert [one.name for one in found[:2]] == made[::-1]
    assert found[2].created == datetime(2026, 1, 1, tzinfo=UTC)
    kept = storage.get_object(Bucket=BUCKET, Key=f"backups/staging/{made[0]}")["Body"].read()
    assert json.loads(kept)["serial"] == 3


def test_a_backup_is_put_back_above_the_present_serial(staging: Environment, storage: Any) -> None:
    write(storage, 3, outputs={"then": 1})
    name = state.backup(staging)
    write(storage, 8)
    assert name is not None
    assert state.restore(staging, name) == 9
    present = json.loads(storage.get_object(Bucket=BUCKET, Key=KEY)["Body"].read())
    assert (present["serial"], present["outputs"]) == (9, {"then": 1})
    assert [one.serial for one in state.backups(staging)] == [8, 3]


def test_a_backup_is_put_back_where_the_state_is_lost(staging: Environment, storage: Any) -> None:
    write(storage, 3)
    name = state.backup(staging)
    storage.delete_object(Bucket=BUCKET, Key=KEY)
    assert name is not None
    assert state.restore(staging, name) == 4


@pytest.mark.parametrize("name", ["", "../../x", "20260101T000000Z-serial-1.tfstate", "x.tfstate"])
def test_a_backup_that_is_none(staging: Environment, storage: Any, name: str) -> None:
    storage.put_object(Bucket=BUCKET, Key="backups/staging/x.tfstate", Body=b"{}")
    with pytest.raises(NotFound, match="choose one of `glue deploy backups --env staging`"):
        state.restore(staging, name)


def test_a_backup_of_another_state(staging: Environment, storage: Any) -> None:
    write(storage, 3)
    name = state.backup(staging)
    write(storage, 1, lineage="another")
    assert name is not None
    with pytest.raises(Conflict, match=r"it is of another state \(l, here it is another\)"):
        state.restore(staging, name)
    present = json.loads(storage.get_object(Bucket=BUCKET, Key=KEY)["Body"].read())
    assert present["lineage"] == "another"


def test_nothing_is_restored_under_a_lock(staging: Environment, storage: Any) -> None:
    write(storage, 3)
    name = state.backup(staging)
    hold(storage)
    assert name is not None
    with pytest.raises(Conflict, match="it is locked"):
        state.restore(staging, name)
