from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from glue.deploy import destroy
from glue.deploy.drain import buckets, protection
from glue.deploy.environments import Environment, LocalCloud
from glue.deploy.packages import builder
from glue.deploy.plans.deployment import MARKER
from glue.deploy.process import TerraformError
from glue.deploy.project import Project, write_json
from glue.errors import Conflict, InputError, NotFound

RAW, PROCESSED = "local-raw", "local-processed"


def resource(name: str, **values: Any) -> dict[str, Any]:
    return {"mode": "managed", "type": "aws_s3_bucket", "values": {"bucket": name, **values}}


STATE: dict[str, Any] = {
    "values": {
        "root_module": {
            "resources": [
                {"mode": "data", "type": "aws_s3_bucket", "values": {"bucket": "theirs"}},
                {"mode": "managed", "type": "aws_cloudfront_function", "values": {}},
            ],
            "child_modules": [
                {
                    "resources": [resource(RAW, force_destroy=False)],
                    "child_modules": [{"resources": [resource(PROCESSED, force_destroy=True)]}],
                }
            ],
        }
    }
}


def test_a_locked_bucket_is_never_destroyable_by_itself() -> None:
    open_bucket = resource(PROCESSED, force_destroy=True)["values"]
    assert protection.is_destroyable(open_bucket)
    assert not protection.is_destroyable(open_bucket | {"object_lock_enabled": True})
    assert not protection.is_destroyable(resource(RAW)["values"])


class FakeTerraform:
    """A terraform that fails as often as it is told to."""

    def __init__(self, failures: list[str], act: Callable[[], None]) -> None:
        self.failures = failures
        self.act = act
        self.calls = 0

    def show(self) -> dict[str, Any]:
        return STATE

    def destroy(self, variables: list[Any]) -> None:
        self.calls += 1
        assert len(variables) == 3
        if self.failures:
            raise TerraformError("destroy", self.failures.pop(0), "see")
        self.act()


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        session: Any = boto3.session.Session("a", "b")

        def client_of(self: Environment, name: str) -> Any:
            return session.client(name, region_name=self.facts.region)

        monkeypatch.setattr(Environment, "client", client_of)
        client = session.client("s3", region_name="eu-central-1")
        place = {"LocationConstraint": "eu-central-1"}
        for name in (RAW, PROCESSED, "local-terraform-state-000000000000"):
            client.create_bucket(Bucket=name, CreateBucketConfiguration=place)
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def local(
    project: Project, cloud: LocalCloud, storage: Any, monkeypatch: pytest.MonkeyPatch
) -> Environment:
    monkeypatch.setattr(builder, "build", lambda *_: None)
    return Environment.load("local", project, cloud)


@pytest.fixture
def terraform(storage: Any, monkeypatch: pytest.MonkeyPatch) -> FakeTerraform:
    def remove() -> None:
        for name in (RAW, PROCESSED):
            storage.delete_bucket(Bucket=name)

    fake = FakeTerraform([], remove)
    monkeypatch.setattr(Environment, "terraform", lambda *_: fake)
    return fake


def fill(storage: Any, bucket: str) -> None:
    for text in (b"one", b"two"):
        storage.put_object(Bucket=bucket, Key="a", Body=text)
    storage.delete_object(Bucket=bucket, Key="a")
    storage.create_multipart_upload(Bucket=bucket, Key="unfinished")


def test_recordings_stop_everything(
    local: Environment, storage: Any, terraform: FakeTerraform
) -> None:
    fill(storage, RAW)
    fill(storage, PROCESSED)
    with pytest.raises(Conflict, match=f"bucket {RAW}: it holds recordings") as caught:
        destroy.destroy(local)
    assert f"--erase {RAW}" in caught.value.remedy
    assert terraform.calls == 0
    assert storage.list_object_versions(Bucket=PROCESSED)["Versions"], "nothing was touched"


def test_a_marker_of_a_deletion_is_something_too(
    local: Environment, storage: Any, terraform: FakeTerraform
) -> None:
    version = storage.put_object(Bucket=RAW, Key="a", Body=b"")["VersionId"]
    storage.delete_object(Bucket=RAW, Key="a")
    storage.delete_object(Bucket=RAW, Key="a", VersionId=version)
    with pytest.raises(Conflict):
        destroy.destroy(local)


def test_everything_goes_when_the_bucket_is_named(
    local: Environment, storage: Any, terraform: FakeTerraform
) -> None:
    fill(storage, RAW)
    fill(storage, PROCESSED)
    project = local.project
    for path in (project.outputs_file("local"), project.local_home / MARKER):
        write_json(path, {})
    report = destroy.destroy(local, [RAW])
    assert report.destroyed == 3
    assert report.erased_objects == {RAW: 3, PROCESSED: 3}
    assert report.left == []
    assert storage.list_buckets()["Buckets"] == []
    assert not project.outputs_file("local").exists()
    assert not (project.local_home / MARKER).exists()


def test_a_name_that_is_no_bucket_of_ours(local: Environment, terraform: FakeTerraform) -> None:
    with pytest.raises(NotFound, match=f"theirs is nothing of this.*{PROCESSED}, {RAW}"):
        destroy.destroy(local, ["theirs"])


def test_passing_errors_are_tried_again(
    local: Environment, storage: Any, terraform: FakeTerraform
) -> None:
    terraform.failures = ["BucketNotEmpty: late object", "DependencyViolation: not yet"]
    fill(storage, PROCESSED)
    report = destroy.destroy(local, pause=0)
    assert terraform.calls == 3
    assert report.erased_objects == {PROCESSED: 3}


def test_lasting_errors_are_not(local: Environment, terraform: FakeTerraform) -> None:
    terraform.failures = ["AccessDenied"]
    with pytest.raises(TerraformError, match="AccessDenied"):
        destroy.destroy(local, pause=0)
    assert terraform.calls == 1
    terraform.failures = ["ThrottlingException"] * destroy.ATTEMPTS
    with pytest.raises(TerraformError, match="Throttling"):
        destroy.destroy(local, pause=0)


def test_buckets_that_are_gone_already(
    local: Environment, storage: Any, terraform: FakeTerraform
) -> None:
    for name in (RAW, PROCESSED):
        storage.delete_bucket(Bucket=name)
    terraform.act = lambda: None
    assert destroy.destroy(local).erased_objects == {}


def test_what_is_left_is_told(local: Environment, storage: Any) -> None:
    tags = [{"Key": "project", "Value": "proving-ground"}, {"Key": "environment", "Value": "local"}]
    storage.put_bucket_tagging(Bucket=RAW, Tagging={"TagSet": tags})
    storage.put_bucket_tagging(Bucket=PROCESSED, Tagging={"TagSet": tags[:1]})
    left, going = destroy.remaining(local)
    assert [one.arn for one in left] == [f"arn:aws:s3:::{RAW}"]
    assert going == []


def test_a_key_that_is_going_is_not_left(local: Environment, storage: Any) -> None:
    keys = local.client("kms")
    tags = [
        {"TagKey": "project", "TagValue": "proving-ground"},
        {"TagKey": "environment", "TagValue": "local"},
    ]
    made = [keys.create_key(Tags=tags)["KeyMetadata"] for _ in range(2)]
    keys.schedule_key_deletion(KeyId=made[0]["KeyId"])
    left, going = destroy.remaining(local)
    assert [one.arn for one in left] == [made[1]["Arn"]]
    assert [one.arn for one in going] == [made[0]["Arn"]]


def test_devices_lose_their_keys(
    local: Environment, storage: Any, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = local.client("apigateway")
    plan = gateway.create_usage_plan(name="devices")["id"]
    for name in ("shipper", "stranger"):
        key = gateway.create_api_key(name=name, enabled=True)["id"]
        if name == "shipper":
            gateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    entries = [
        {"mode": "managed", "type": "aws_api_gateway_usage_plan", "values": {"id": given}}
        for given in (plan, "gone")
    ]
    monkeypatch.setitem(STATE["values"]["root_module"], "resources", entries)
    write_json(local.project.local_home / "profiles" / "shipper.json", {})
    assert destroy.destroy(local).revoked_keys == 1
    assert [key["name"] for key in gateway.get_api_keys()["items"]] == ["stranger"]
    assert not (local.project.local_home / "profiles").exists()


def test_why_something_is_left(local: Environment, storage: Any, terraform: FakeTerraform) -> None:
    queues = local.client("sqs")
    tags = {"project": "proving-ground", "environment": "local"}
    for name in ("ours", "theirs", "bootstrap"):
        queues.create_queue(QueueName=name, tags=tags)
    arn = "arn:aws:sqs:eu-central-1:123456789012:"
    made = [{"values": {"arn": f"{arn}ours"}}]
    instances = [{"attributes": {"arn": f"{arn}bootstrap"}}]
    state = {"resources": [{"mode": "managed", "type": "t", "name": "n", "instances": instances}]}
    bucket = "local-terraform-state-000000000000"
    storage.put_object(Bucket=bucket, Key="bootstrap.tfstate", Body=json.dumps(state))
    left, _ = destroy.remaining(local, made)
    assert [str(one) for one in left] == [
        f"{arn}bootstrap: {destroy.ELSEWHERE}",
        f"{arn}ours: {destroy.LISTED_STILL}",
        f"{arn}theirs: {destroy.BY_HAND}",
    ]


def test_the_report_for_people(local: Environment, terraform: FakeTerraform) -> None:
    report = destroy.destroy(local)
    assert report.to_text().splitlines() == [
        "local: 3 resources destroyed",
        "  0 API keys revoked",
        "  nothing is left that carries its tags",
    ]
    more = report.model_copy(
        update={
            "erased_objects": {"raw": 2},
            "drained": {"stopped_jobs": 3},
            "left": [destroy.Left(arn="arn:a", reason="why")],
            "going": [destroy.Left(arn="arn:b", reason="soon")],
        }
    )
    assert more.to_text().splitlines()[1:] == [
        "  raw: 2 object versions erased",
        "  0 API keys revoked",
        "  3 stopped jobs",
        "  going: arn:b: soon",
        "  still there: arn:a: why",
    ]


def test_what_is_done_is_told(local: Environment, storage: Any, terraform: FakeTerraform) -> None:
    lines: list[str] = []
    terraform.failures = ["Error: ClientException: found existing JobQueue relationship"]
    destroy.destroy(local, on_line=lines.append, pause=0)
    reason = "ClientException: found existing JobQueue relationship"
    assert lines == [f"drain: AWS needs time ({reason}): again in 0 s"]
    assert terraform.calls == 2


def test_state_elsewhere_is_kept(project: Project, storage: Any) -> None:
    staging = Environment.load("staging", project)
    destroy.forget(staging, storage)
    assert len(storage.list_buckets()["Buckets"]) == 3


class Refusing:
    """An S3 that keeps an object under a retention."""

    class exceptions:  # noqa: N801
        NoSuchBucket = KeyError

    def get_paginator(self, _: str) -> Refusing:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{}, {"Versions": [{"Key": "a", "VersionId": "1"}]}]

    def delete_objects(self, **given: Any) -> dict[str, Any]:
        assert "BypassGovernanceRetention" not in given
        return {"Errors": [{"Key": "a", "Message": "Access Denied"}]}


def test_objects_that_stay_are_an_error() -> None:
    with pytest.raises(InputError, match="1 objects stay, a first: Access Denied"):
        buckets.empty(Refusing(), "b", bypass=False)


def test_other_errors_of_s3_are_raised(local: Environment, storage: Any) -> None:
    class Denied:
        def list_object_versions(self, **_: Any) -> None:
            raise storage.exceptions.ClientError(
                {"Error": {"Code": "AccessDenied"}}, "ListObjectVersions"
            )

    with pytest.raises(storage.exceptions.ClientError, match="AccessDenied"):
        buckets.holds_something(Denied(), RAW)


def test_an_empty_state() -> None:
    assert list(destroy.resources({"format_version": "1.0"})) == []
