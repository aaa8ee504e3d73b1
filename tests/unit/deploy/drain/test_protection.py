"""What cannot go is found first, all of it; what is named loses its protection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from glue.deploy.drain import buckets, protection
from glue.deploy.drain.context import Drain
from glue.errors import Conflict, NotFound
from tests.unit.deploy.drain.drains import Service, draining, error, failing, made

TABLE = made(
    "aws_dynamodb_table", name="leaderboard", arn="arn:aws:dynamodb:eu-central-1:1:table/l"
)


class Cloud:
    """Clients of moto for every service."""

    def __getitem__(self, name: str) -> Any:
        session: Any = boto3.session.Session("a", "b", region_name="eu-central-1")
        return session.client(name)


@pytest.fixture
def cloud() -> Iterator[Any]:
    with mock_aws():
        yield Cloud()


def table(cloud: Any, *, protected: bool) -> Any:
    client = cloud["dynamodb"]
    client.create_table(
        TableName="leaderboard",
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=protected,
    )
    return client


def bucket(cloud: Any, name: str, *, lock: str | None = None, content: bool = True) -> Any:
    storage = cloud["s3"]
    place = {"LocationConstraint": "eu-central-1"}
    storage.create_bucket(
        Bucket=name, CreateBucketConfiguration=place, ObjectLockEnabledForBucket=lock is not None
    )
    if lock is not None:
        unit = {"Days": 30} if lock == "GOVERNANCE" else {"Years": 1}
        rule = {"DefaultRetention": {"Mode": lock, **unit}}
        configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
        storage.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=configuration)
    if content:
        storage.put_object(Bucket=name, Key="a", Body=b"")
    return made("aws_s3_bucket", bucket=name, object_lock_enabled=lock is not None)


def test_everything_in_the_way_is_told_in_one_list(cloud: Any) -> None:
    table(cloud, protected=True)
    pool = cloud["cognito-idp"].create_user_pool(PoolName="users", DeletionProtection="ACTIVE")
    cloud["ecr"].create_repository(repositoryName="simulator")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.dumps({"mediaType": kind, "schemaVersion": 2, "config": {"digest": "x"}})
    cloud["ecr"].put_image(repositoryName="simulator", imageManifest=manifest, imageTag="1")
    context, _ = draining(
        cloud,
        TABLE,
        bucket(cloud, "raw", lock="GOVERNANCE"),
        bucket(cloud, "empty", content=False),
        made("aws_cognito_user_pool", name="users", id=pool["UserPool"]["Id"]),
        made("aws_ecr_repository", name="simulator", force_delete=False),
        made("aws_ecr_repository", name="rebuilt", force_delete=True),
    )
    with pytest.raises(Conflict) as caught:
        protection.check(context, [])
    assert caught.value.message.splitlines() == [
        "4 would not go, and nothing was touched:",
        "  table leaderboard: deletion protection is on; it holds about 0 items",
        "  bucket raw: it holds recordings or other data that cannot be made again",
        "  registry simulator: it holds images",
        "  user pool users: deletion protection is on; about 0 devices and people are in it",
    ]
    named = ["leaderboard", "raw", "simulator", "users"]
    assert caught.value.remedy.endswith("`--erase " + " --erase ".join(named) + "`")
    protection.check(context, named)


def test_what_nobody_can_erase_is_said_even_when_named(cloud: Any) -> None:
    table(cloud, protected=True)
    context, _ = draining(cloud, TABLE, bucket(cloud, "raw", lock="COMPLIANCE"))
    with pytest.raises(Conflict, match="nobody can erase its objects for 365 days") as caught:
        protection.check(context, ["raw"])
    assert "--erase leaderboard`; wait until the retention of raw is over" in caught.value.remedy
    with pytest.raises(Conflict) as caught:
        protection.check(context, ["raw", "leaderboard"])
    assert caught.value.remedy.startswith("wait until")
    empty, _ = draining(cloud, bucket(cloud, "other", lock="COMPLIANCE", content=False))
    protection.check(empty, [])


def test_a_name_that_is_nothing_here() -> None:
    context, _ = draining({}, made("aws_sqs_queue", name="q"))
    with pytest.raises(NotFound, match=r"raw is nothing of this environment.*nothing here"):
        protection.check(context, ["raw"])


def test_protection_comes_off_what_is_named(cloud: Any) -> None:
    tables = table(cloud, protected=True)
    pools = cloud["cognito-idp"]
    pool = pools.create_user_pool(PoolName="users", DeletionProtection="ACTIVE")["UserPool"]["Id"]
    entry = bucket(cloud, "raw")
    cloud["s3"].put_bucket_policy(Bucket="raw", Policy='{"Version":"2012-10-17","Statement":[]}')
    context, lines = draining(
        cloud, TABLE, entry, made("aws_cognito_user_pool", name="users", id=pool)
    )
    protection.lift(context, ["leaderboard", "raw"])
    described = tables.describe_table(TableName="leaderboard")["Table"]
    assert not described["DeletionProtectionEnabled"]
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        cloud["s3"].get_bucket_policy(Bucket="raw")
    assert lines == [
        "bucket raw: its protection is off",
        "table leaderboard: its protection is off",
    ]
    untouched = pools.describe_user_pool(UserPoolId=pool)["UserPool"]
    assert untouched["DeletionProtection"] == "ACTIVE"


def test_an_open_table_needs_no_name(cloud: Any) -> None:
    table(cloud, protected=False)
    context, _ = draining(cloud, TABLE)
    assert protection.find(context) == []


# Of each type: the service, the resource, a protected answer, an open one, and the call that
# takes the protection off with what it must be given.
KINDS: list[Any] = [
    ("rds", made("aws_db_instance", identifier="d", arn="arn:aws:rds:eu-central-1:1:db:d"),
     "describe_db_instances", {"DBInstances": [{"DeletionProtection": True}]},
     {"DBInstances": [{}]}, "modify_db_instance", "DeletionProtection", False),
    ("rds", made("aws_rds_cluster", cluster_identifier="d"),
     "describe_db_clusters", {"DBClusters": [{"DeletionProtection": True}]},
     {"DBClusters": [{}]}, "modify_db_cluster", "DeletionProtection", False),
    ("cognito-idp", made("aws_cognito_user_pool", name="d", id="p"),
     "describe_user_pool", {"UserPool": {"DeletionProtection": "ACTIVE"}},
     {"UserPool": {"DeletionProtection": "INACTIVE"}}, "update_user_pool",
     "DeletionProtection", "INACTIVE"),
    ("eks", made("aws_eks_cluster", name="d"),
     "describe_cluster", {"cluster": {"deletionProtection": True, "status": "ACTIVE"}},
     {"cluster": {"status": "ACTIVE"}}, "update_cluster_config", "deletionProtection", False),
    ("elbv2", made("aws_lb", name="d", arn="arn:aws:elasticloadbalancing:eu-central-1:1:lb/d"),
     "describe_load_balancer_attributes",
     {"Attributes": [{"Key": "deletion_protection.enabled", "Value": "true"}]},
     {"Attributes": []}, "modify_load_balancer_attributes", "Attributes",
     [{"Key": "deletion_protection.enabled", "Value": "false"}]),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[1]["type"])
def test_every_type(kind: Any) -> None:
    name, entry, ask, protected, is_open, lift, key, value = kind
    service = Service(**{ask: protected})
    context, _ = draining({name: service}, entry)
    assert [one.name for one in protection.find(context)] == ["d"]
    protection.lift(context, ["d"])
    assert service.called(lift)[0][key] == value
    for answer in (is_open, failing("ResourceNotFoundException")):
        context, _ = draining({name: Service(**{ask: answer})}, entry)
        assert protection.find(context) == []


def test_a_cluster_without_protection_is_left_as_it_is() -> None:
    service = Service(describe_cluster={"cluster": {"status": "ACTIVE"}})
    context, _ = draining({"eks": service}, made("aws_eks_cluster", name="c"))
    protection.lift(context, ["c"])
    assert not service.called("update_cluster_config")


def test_replicas_are_asked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    home = Service(describe_table={"Table": {"DeletionProtectionEnabled": False}})
    far = Service(describe_table={"Table": {"DeletionProtectionEnabled": True, "ItemCount": 7}})
    entry = made("aws_dynamodb_table", name="t", replica=[{"region_name": "us-east-1"}])
    context, _ = draining({}, entry)
    monkeypatch.setattr(
        Drain, "client", lambda _self, _name, arn="": far if "us-east-1" in arn else home
    )
    assert "about 7 items" in protection.find(context)[0].reason


class Locked:
    """An S3 whose buckets cannot be asked for their lock."""

    def get_object_lock_configuration(self, **_: Any) -> None:
        raise error("ObjectLockConfigurationNotFoundError")


def test_a_bucket_without_lock() -> None:
    assert buckets.lasting_retention(Locked(), "b") is None
