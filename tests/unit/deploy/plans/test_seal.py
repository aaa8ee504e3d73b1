from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from glue.deploy.environments import Environment, LocalCloud
from glue.deploy.plans import seal
from glue.deploy.project import Project
from glue.errors import Conflict, InputError


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An AWS whose account is moto's own, 123456789012."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with mock_aws():
        yield


def test_aws_says_whose_the_credentials_are(project: Project, aws: None) -> None:
    staging = Environment.load("staging", project)
    assert seal.account_in_force(staging) == "123456789012"
    with pytest.raises(Conflict, match=r"that account's profile .* in staging\.tfvars") as caught:
        seal.require_account(staging)
    assert caught.value.code == "other_account"
    path = project.variables_file("staging")
    path.write_text(path.read_text().replace("111111111111", "123456789012"))
    seal.require_account(Environment.load("staging", project))


def test_without_credentials(project: Project) -> None:
    with pytest.raises(InputError, match="there are none for AWS"):
        seal.account_in_force(Environment.load("staging", project))


@pytest.mark.parametrize(("name", "remedy"), [("staging", "aws sso login"), ("local", "local up")])
def test_when_nobody_answers(
    project: Project,
    cloud: LocalCloud,
    aws: None,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    remedy: str,
) -> None:
    class Silent:
        def get_caller_identity(self) -> None:
            raise EndpointConnectionError(endpoint_url="http://x")

    monkeypatch.setattr(Environment, "client", lambda *_: Silent())
    with pytest.raises(InputError, match=remedy) as caught:
        seal.account_in_force(Environment.load(name, project, cloud))
    assert caught.value.code == "no_account"


def test_every_archive_is_an_input(project: Project, cloud: LocalCloud) -> None:
    local = Environment.load("local", project, cloud)
    variables = project.build / "packages" / "local.tfvars.json"
    hashes = seal.hashed_inputs(local)["packages"]
    assert hashes == {
        "../build/packages/local.tfvars.json": seal.sha256(variables),
        "terraform/platform/code.zip": seal.ABSENT,
    }
    (project.root / "code.zip").write_bytes(b"code")
    assert seal.hashed_inputs(local)["packages"] != hashes
    variables.write_text("{}")
    assert list(seal.hashed_inputs(local)["packages"]) == ["../build/packages/local.tfvars.json"]


def test_what_came_or_went_changed() -> None:
    assert seal.changed_files({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"}) == [
        "b",
        "c",
        "d",
    ]


def test_a_seal_reads_as_it_was_written(tmp_path: Path) -> None:
    made = seal.seal_of(
        seal.Circumstances(
            environment="staging",
            workspace="staging",
            account_id="1",
            region="r",
            endpoint=None,
            commit=None,
            is_dirty=None,
            terraform="1.11.4",
            state=None,
            inputs={"packages": {"ä": "1"}},
        ),
        tmp_path,
    )
    made.write(tmp_path)
    assert seal.Seal.read(tmp_path) == made
    document: dict[str, Any] = json.loads((tmp_path / "seal.json").read_text())
    assert document["plan_sha256"] == seal.ABSENT
    (tmp_path / "seal.json").write_text(json.dumps(dict(reversed(document.items()))))
    assert seal.Seal.read(tmp_path) == made, "the order of keys is nobody's business"
