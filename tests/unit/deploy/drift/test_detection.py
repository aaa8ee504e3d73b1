"""Drift of a whole environment: a refresh-only plan, the account's tags, the states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from glue.cli.drift import drift as command
from glue.deploy.drift import detection
from glue.deploy.environments import Environment, LocalCloud
from glue.deploy.packages import builder
from glue.deploy.project import Project

OURS = {"project": "proving-ground", "environment": "local"}
PAIRS = [{"Key": key, "Value": value} for key, value in OURS.items()]
BUCKET = "local-terraform-state-000000000000"


def changed(address: str, kind: str, before: Any, after: Any, **hidden: Any) -> dict[str, Any]:
    actions = ["delete"] if after is None else ["update"]
    change = {"actions": actions, "before": before, "after": after, **hidden}
    return {"address": address, "type": kind, "change": change}


PLAN = {
    "resource_drift": [
        changed("aws_sqs_queue.a", "aws_sqs_queue", {"tags": {}}, {"tags": {"owner": "me"}}),
        changed("aws_s3_bucket.a", "aws_s3_bucket", {"bucket": "a"}, None),
        changed("aws_sns_topic.a", "aws_sns_topic", {"tags": None}, {"tags": {}}),
        changed(
            "aws_secretsmanager_secret_version.a",
            "aws_secretsmanager_secret_version",
            {"secret_string": "hunter2"},
            {"secret_string": "hunter3"},
            before_sensitive={"secret_string": True},
            after_sensitive={"secret_string": True},
        ),
    ]
}


class FakeTerraform:
    def __init__(self, plan: dict[str, Any], state: dict[str, Any]) -> None:
        self.content = plan
        self.state = state
        self.file = Path()

    def plan(self, out: Path, variables: list[Path], *, refresh_only: bool) -> bool:
        assert refresh_only
        assert variables
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("secret values")
        self.file = out
        return True

    def show(self, plan: Path) -> dict[str, Any]:
        assert plan.is_file()
        return self.content

    def pull_state(self) -> dict[str, Any]:
        return self.state


def state_of(*arns: str) -> dict[str, Any]:
    instances = [{"attributes": {"arn": arn, "id": arn}} for arn in arns]
    return {"resources": [{"mode": "managed", "type": "t", "name": "n", "instances": instances}]}


@pytest.fixture
def environment(project: Project, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(builder, "build", lambda *_: None)
    with mock_aws():
        session: Any = boto3.session.Session("a", "b")

        def client(self: Environment, service: str) -> Any:
            return session.client(service, region_name=self.facts.region)

        monkeypatch.setattr(Environment, "client", client)
        made = Environment.load("local", project, cloud)
        place = {"LocationConstraint": "eu-central-1"}
        made.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        yield made


@pytest.fixture
def terraform(monkeypatch: pytest.MonkeyPatch) -> FakeTerraform:
    fake = FakeTerraform({}, {})
    monkeypatch.setattr(Environment, "terraform", lambda *_: fake)
    return fake


def test_nothing_has_changed(environment: Environment, terraform: FakeTerraform) -> None:
    report = detection.detect(environment)
    assert report.is_clean
    assert report.counts == {}
    assert "everything is as Terraform left it" in report.to_markdown()
    assert not terraform.file.exists(), "a plan holds secret values"


def test_what_changed_is_told_the_gravest_first(
    environment: Environment, terraform: FakeTerraform
) -> None:
    terraform.content = PLAN
    report = detection.detect(environment)
    assert [(one.address, one.severity, one.state) for one in report.drifted] == [
        ("aws_s3_bucket.a", "critical", "gone"),
        ("aws_secretsmanager_secret_version.a", "medium", "changed"),
        ("aws_sqs_queue.a", "low", "changed"),
    ]
    told = report.to_dict()
    assert told["environment"] == "local"
    assert told["drifted"][2]["differences"][0] | {"reason": ""} == {
        "path": "tags.owner",
        "before": None,
        "after": "me",
        "severity": "low",
        "reason": "",
    }
    assert [one.what for one in report.explained] == ["aws_sns_topic.a: tags"]
    text = json.dumps(told) + report.to_markdown()
    assert "hunter" not in text
    assert "- secret_string = " in text
    assert '+ tags.owner = "me"' in text
    assert "- tags.owner" not in text
    assert "1 critical, 1 medium, 1 low" in text


def test_long_values_are_cut_for_people_only(
    environment: Environment, terraform: FakeTerraform
) -> None:
    entry = changed("a.b", "a", {"x": "y" * 500}, {"x": "z" * 500})
    terraform.content = {"resource_drift": [entry]}
    report = detection.detect(environment)
    assert "y" * 500 in json.dumps(report.to_dict())
    assert "y" * 161 not in report.to_markdown()


def test_nothing_and_empty_are_the_same_inside_a_block_too(
    environment: Environment, terraform: FakeTerraform
) -> None:
    before, after = {"block": [{"a": None, "b": 1}]}, {"block": [{"a": [], "b": 2}]}
    terraform.content = {"resource_drift": [changed("a.b", "a", before, after)]}
    report = detection.detect(environment)
    assert [one.path for one in report.drifted[0].differences] == ["block[0].b"]
    assert [one.what for one in report.explained] == ["a.b: block[0].a"]


def test_the_same_reason_is_told_once(environment: Environment, terraform: FakeTerraform) -> None:
    entries = [changed(f"a.b{n}", "a", {"x": None}, {"x": ""}) for n in range(3)]
    terraform.content = {"resource_drift": entries}
    assert "3 times: nothing is now called empty, such as `a.b0: x`" in (
        detection.detect(environment).to_markdown()
    )


def test_what_no_state_knows(environment: Environment, terraform: FakeTerraform) -> None:
    queues, tables = environment.client("sqs"), environment.client("dynamodb")
    for name in ("known", "by-hand"):
        queues.create_queue(QueueName=name, tags=OURS)
    queues.create_queue(QueueName="theirs", tags=OURS | {"environment": "staging"})
    tables.create_table(
        TableName="of-the-bootstrap",
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=PAIRS,
    )
    identity = environment.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    identity.create_role(RoleName="role", AssumeRolePolicyDocument=document, Tags=PAIRS)
    identity.create_role(RoleName="other", AssumeRolePolicyDocument=document)
    identity.create_user(UserName="user", Tags=PAIRS)
    far: Any = boto3.session.Session("a", "b").client("sqs", region_name="us-east-1")
    far.create_queue(QueueName="far", tags=OURS)
    terraform.state = state_of("arn:aws:sqs:eu-central-1:123456789012:known")
    bootstrap = state_of("arn:aws:dynamodb:eu-central-1:123456789012:table/of-the-bootstrap")
    storage = environment.client("s3")
    storage.put_object(Bucket=BUCKET, Key="bootstrap.tfstate", Body=json.dumps(bootstrap))
    # Neither a copy nor anything else beside the states is read as one.
    storage.put_object(Bucket=BUCKET, Key="backups/local/a.tfstate", Body=b"old")
    storage.put_object(Bucket=BUCKET, Key="env:/local/platform.tfstate", Body=b"pulled already")
    storage.put_object(Bucket=BUCKET, Key="a.tflock", Body=b"lock")
    report = detection.detect(environment)
    assert [(one.arn.split(":", 2)[2], one.severity) for one in report.unmanaged] == [
        ("iam::123456789012:role/role", "high"),
        ("iam::123456789012:user/user", "high"),
        ("sqs:eu-central-1:123456789012:by-hand", "medium"),
        ("sqs:us-east-1:123456789012:far", "medium"),
    ]
    assert not report.is_clean
    assert "- high: `arn:aws:iam::123456789012:role/role`" in report.to_markdown()


def test_a_key_that_is_going_is_recognised(
    environment: Environment, terraform: FakeTerraform
) -> None:
    keys = environment.client("kms")
    tags = [{"TagKey": key, "TagValue": value} for key, value in OURS.items()]
    made = keys.create_key(Tags=tags)["KeyMetadata"]
    keys.schedule_key_deletion(KeyId=made["KeyId"])
    report = detection.detect(environment)
    assert report.is_clean
    assert "the key is deleted on 20" in report.recognised[0].reason
    assert "Made outside Terraform on purpose" in report.to_markdown()


@pytest.mark.parametrize(("plan", "code"), [({}, 0), (PLAN, 2)])
@pytest.mark.parametrize("as_json", [False, True])
def test_the_command(
    plan: Any, code: int, as_json: bool, environment: Environment, terraform: FakeTerraform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    import typer

    monkeypatch.setattr(Environment, "load", lambda *_: environment)
    terraform.content = plan
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, ["--env", "local", *(["--json"] if as_json else [])])
    assert result.exit_code == code, result.output
    if as_json:
        assert len(json.loads(result.stdout)["drifted"]) == (3 if plan else 0)
    else:
        assert "# Drift of local" in result.stdout
