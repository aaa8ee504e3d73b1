"""EvalAI's secrets after an apply: from the stand-in locally, from people elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
from moto import mock_aws

from glue.deploy import evalai_secrets
from glue.deploy.environments import Environment, LocalCloud
from glue.deploy.project import write_json
from glue.errors import InputError
from glue.local import challenge
from glue.local.configuration import free_port
from glue.local.evalai.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from glue.deploy.project import Project


@pytest.fixture
def local(project: Project, cloud: LocalCloud) -> Environment:
    return Environment.load("local", project, cloud)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with mock_aws():
        monkeypatch.setattr(
            Environment, "client", lambda _, service: boto3.client(service, "eu-central-1")
        )
        yield


@pytest.fixture
def outputs(aws: None) -> dict[str, Any]:
    secrets = boto3.client("secretsmanager", "eu-central-1")
    boto3.client("iam").create_user(UserName="local-evalai")
    return {
        "evalai": {
            "secret_arn": secrets.create_secret(Name="local-evalai")["ARN"],
            "tracks_secret_arn": secrets.create_secret(Name="local-evalai-tracks")["ARN"],
            "user_name": "local-evalai",
        },
        "leaderboards": {
            "leaderboard-10": {"queue_url": "http://queues/000000000000/local-leaderboard-10"},
            "leaderboard-20": {"queue_url": "http://queues/000000000000/local-leaderboard-20"},
        },
    }


@pytest.fixture
def stand_in(local: Environment, tmp_path: Path) -> Iterator[Server]:
    """A stand-in that is set up, and the cloud.json that tells of it."""
    home = local.project.local_home
    (home / "evalai").mkdir(parents=True)
    with Server(tmp_path / "evalai.sqlite") as server:
        challenge.set_up(home, server.url)
        tell(home, server.url)
        yield server


def tell(home: Path, url: str) -> None:
    write_json(home / "cloud.json", {"evalai": {"url": url, **challenge.facts(home)}})


def value(arn: str) -> Any:
    client = boto3.client("secretsmanager", "eu-central-1")
    return json.loads(client.get_secret_value(SecretId=arn)["SecretString"])


def queue(server: Server) -> Any:
    return server._store.get("challenge", 1)["queue"]  # type: ignore[index]


def test_the_stand_in_and_the_platform_know_each_other(
    local: Environment, outputs: dict[str, Any], stand_in: Server
) -> None:
    assert "connect --env local" in str(evalai_secrets.reminder(local, outputs))
    assert evalai_secrets.write(local, outputs)
    assert evalai_secrets.reminder(local, outputs) is None
    token = challenge.access(local.project.local_home)["host_token"]
    evalai = outputs["evalai"]
    assert value(evalai["secret_arn"]) == {"auth_token": token, "api_server": stand_in.url}
    assert value(evalai["tracks_secret_arn"]) == {
        "1": "leaderboard-10-SENSORS", "2": "leaderboard-10-MAP",
        "3": "leaderboard-20-SENSORS", "4": "leaderboard-20-MAP",
    }  # fmt: skip
    told = queue(stand_in)
    assert told["name"] == "local-leaderboard-10"
    assert told["endpoint"] == local.endpoint
    listed = boto3.client("iam").list_access_keys(UserName="local-evalai")["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in listed] == [told["access_key_id"]]
    path = local.project.local_home / evalai_secrets.SENDING_KEY
    assert path.stat().st_mode & 0o777 == 0o600
    assert not evalai_secrets.write(local, outputs), "all is there already"
    assert queue(stand_in) == told


def test_what_has_changed_is_told_anew(
    local: Environment, outputs: dict[str, Any], stand_in: Server
) -> None:
    evalai_secrets.write(local, outputs)
    before = queue(stand_in)
    del outputs["leaderboards"]["leaderboard-10"]
    assert evalai_secrets.write(local, outputs)
    after = queue(stand_in)
    assert after["name"] == "local-leaderboard-20"
    assert after["access_key_id"] == before["access_key_id"]
    assert set(value(outputs["evalai"]["tracks_secret_arn"])) == {"3", "4"}
    # A key that is gone is replaced, and one that nobody knows is removed.
    users = boto3.client("iam")
    users.delete_access_key(UserName="local-evalai", AccessKeyId=before["access_key_id"])
    for _ in range(2):
        users.create_access_key(UserName="local-evalai")
    assert evalai_secrets.write(local, outputs)
    listed = users.list_access_keys(UserName="local-evalai")["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in listed] == [queue(stand_in)["access_key_id"]]


def test_a_submission_goes_to_the_queue(
    local: Environment, outputs: dict[str, Any], stand_in: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    evalai_secrets.write(local, outputs)
    queue_url = boto3.client("sqs", "eu-central-1").create_queue(QueueName="local-leaderboard-10")
    told = queue(stand_in)
    evalai_secrets._tell(f"{stand_in.url}/stand-in/challenges/1/queue", told | {"endpoint": None})
    made = httpx.post(
        f"{stand_in.url}/stand-in/submissions",
        json={"challenge": 1, "phase": 3, "team": 2, "image": "agent"}, trust_env=False,
    ).json()  # fmt: skip
    assert made["problem"] is None
    sqs = boto3.client("sqs", "eu-central-1")
    [message] = sqs.receive_message(QueueUrl=queue_url["QueueUrl"])["Messages"]
    assert json.loads(message["Body"])["phase_pk"] == "3"


def test_nothing_is_written_where_there_is_nothing_to_know(
    local: Environment, outputs: dict[str, Any]
) -> None:
    assert not evalai_secrets.write(local, {})
    assert not evalai_secrets.write(local, {"evalai": None, "leaderboards": {}})
    assert not evalai_secrets.write(local, outputs), "no cloud runs"
    write_json(local.project.local_home / "cloud.json", {"port": 1})
    assert not evalai_secrets.write(local, outputs), "it has no stand-in"
    assert evalai_secrets.reminder(local, {"evalai": None}) is None


def test_a_stand_in_that_does_not_answer(
    local: Environment, outputs: dict[str, Any], stand_in: Server
) -> None:
    tell(local.project.local_home, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(InputError, match=r"does not take its queue.*glue local up"):
        evalai_secrets.write(local, outputs)
    assert not (local.project.local_home / evalai_secrets.SENDING_KEY).exists()


def test_elsewhere_people_say_it(project: Project, outputs: dict[str, Any]) -> None:
    staging = Environment.load("staging", project)
    assert not evalai_secrets.write(staging, outputs)
    assert "run `glue leaderboard connect --env staging`" in str(
        evalai_secrets.reminder(staging, outputs)
    )
    client = boto3.client("secretsmanager", "eu-central-1")
    for arn in (outputs["evalai"]["secret_arn"], outputs["evalai"]["tracks_secret_arn"]):
        client.put_secret_value(SecretId=arn, SecretString='{"a": "b"}')
    assert evalai_secrets.reminder(staging, outputs) is None
