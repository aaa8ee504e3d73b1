"""Devices: made, listed, renewed, locked out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from glue import devices
from glue.cli import devices as commands
from glue.cli.main import run
from glue.devices import Credentials, Directory, new_secret
from glue.errors import Conflict, InputError, NotFound


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        made = {
            service: boto3.client(
                service,
                region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x",
            )
            for service in ("cognito-idp", "apigateway", "sts")
        }  # fmt: skip
        yield made


@pytest.fixture
def outputs(clients: dict[str, Any]) -> dict[str, Any]:
    identity, gateway = clients["cognito-idp"], clients["apigateway"]
    pool = identity.create_user_pool(PoolName="people")["UserPool"]["Id"]
    for group in devices.GROUPS:
        identity.create_group(GroupName=group, UserPoolId=pool)
    plan = gateway.create_usage_plan(name="plan")["id"]
    return {
        "identity": {"user_pool_id": pool, "client_id": "c"},
        "api": {"usage_plan_id": plan, "url": "http://127.0.0.1/v1"},
    }


@pytest.fixture
def directory(clients: dict[str, Any], outputs: dict[str, Any]) -> Directory:
    return Directory(clients["cognito-idp"], clients["apigateway"], outputs)


def key_of(clients: dict[str, Any], made: Credentials) -> list[str]:
    keys = clients["apigateway"].get_api_keys(includeValues=True)["items"]
    return [key["name"] for key in keys if key["value"] == made.api_key]


def test_made_and_listed(clients: dict[str, Any], directory: Directory) -> None:
    made = directory.add("rig-1", "shippers")
    assert made.url == "http://127.0.0.1/v1"
    assert key_of(clients, made) == ["rig-1"]
    assert made.secret not in repr(made)
    directory.add("ann", "researchers")
    assert [one.to_dict() for one in directory.list()] == [
        {"device": "ann", "groups": ["researchers"], "enabled": True, "has_key": True},
        {"device": "rig-1", "groups": ["shippers"], "enabled": True, "has_key": True},
    ]


def test_made_twice(clients: dict[str, Any], directory: Directory) -> None:
    first = directory.add("rig", "shippers")
    with pytest.raises(Conflict, match="--rotate"):
        directory.add("rig", "shippers")
    second = directory.add("rig", "operators", rotate=True)
    assert second.secret != first.secret
    assert key_of(clients, first) == []
    assert key_of(clients, second) == ["rig"]
    assert directory.list()[0].groups == ("operators",)


def test_a_half_made_device_is_finished(
    clients: dict[str, Any], directory: Directory, outputs: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    gateway = clients["apigateway"]
    with monkeypatch.context() as patch:

        def refuse(**_: object) -> None:
            raise RuntimeError("cut")

        patch.setattr(gateway, "create_usage_plan_key", refuse)
        with pytest.raises(RuntimeError):
            directory.add("rig", "shippers")
    assert gateway.get_api_keys()["items"] == []
    assert key_of(clients, directory.add("rig", "shippers")) == ["rig"]


def test_locked_out(clients: dict[str, Any], directory: Directory) -> None:
    made = directory.add("rig", "shippers")
    directory.revoke("rig")
    directory.revoke("rig")
    (left,) = directory.list()
    assert not left.enabled
    assert not left.has_key
    assert key_of(clients, made) == []
    with pytest.raises(Conflict, match="revoked"):
        directory.add("rig", "shippers")
    directory.add("rig", "shippers", rotate=True)
    assert directory.list()[0].enabled
    with pytest.raises(NotFound):
        directory.revoke("nobody")


def test_a_key_without_its_user_is_taken_away(
    clients: dict[str, Any], directory: Directory, outputs: dict[str, Any]
) -> None:
    directory.add("rig", "shippers")
    clients["cognito-idp"].admin_delete_user(
        UserPoolId=outputs["identity"]["user_pool_id"], Username="rig"
    )
    directory.revoke("rig")
    assert clients["apigateway"].get_api_keys()["items"] == []


def test_a_pool_that_lacks_a_group(
    clients: dict[str, Any], directory: Directory, outputs: dict[str, Any]
) -> None:
    pool = outputs["identity"]["user_pool_id"]
    clients["cognito-idp"].delete_group(GroupName="hosts", UserPoolId=pool)
    assert directory.list() == []


@pytest.mark.parametrize(("name", "group"), [("a b", "shippers"), ("rig", "wheel")])
def test_names_and_groups_that_are_none(directory: Directory, name: str, group: str) -> None:
    with pytest.raises(InputError):
        directory.add(name, group)


def test_secrets_differ_and_hold_every_kind() -> None:
    found = {new_secret() for _ in range(200)}
    assert len(found) == 200
    assert all(
        any(map(str.islower, one)) and any(map(str.isupper, one)) and any(map(str.isdigit, one))
        for one in found
    )


# --- commands ---------------------------------------------------------------------------------


@pytest.fixture
def environment(
    clients: dict[str, Any], outputs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> SimpleNamespace:
    from glue.deploy import environments

    made = SimpleNamespace(
        client=lambda service: clients[service],
        require_credentials=lambda: None,
        facts=SimpleNamespace(account_id=clients["sts"].get_caller_identity()["Account"]),
    )
    monkeypatch.setattr(environments.Environment, "load", lambda *_: made)
    monkeypatch.setattr(environments, "read_outputs", lambda *_: outputs)
    return made


def test_add_list_revoke(
    environment: SimpleNamespace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "profiles" / "rig.json"
    assert run(["devices", "add", "rig", "--group", "shippers", "--profile", str(path)]) == 0
    profile = json.loads(path.read_text())
    assert set(profile) == {"url", "api_key", "device", "secret"}
    assert path.stat().st_mode & 0o777 == 0o600
    said = capsys.readouterr()
    assert profile["secret"] not in said.out + said.err
    assert run(["devices", "add", "ann", "--group", "researchers", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["device"] == "ann"
    assert run(["devices", "add", "bob", "--group", "operators"]) == 0
    assert "only now" in capsys.readouterr().err
    assert run(["devices", "list"]) == 0
    assert "researchers" in capsys.readouterr().out
    assert run(["devices", "revoke", "rig"]) == 0
    assert "locked out" in capsys.readouterr().out
    assert run(["devices", "revoke", "bob", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"device": "bob", "enabled": False}
    assert run(["devices", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["devices"]
    assert [(one["device"], one["enabled"]) for one in listed] == [
        ("ann", True), ("bob", False), ("rig", False),
    ]  # fmt: skip


def test_the_wrong_account(
    environment: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.facts.account_id = "999999999999"
    assert run(["devices", "list"]) == 1
    assert "999999999999" in capsys.readouterr().err
    assert commands.app.info.help
