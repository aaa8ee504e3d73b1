"""What a killed bootstrap left in an account, found by name or by its tags."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from glue.deploy.bootstrap import adoption
from glue.deploy.environments import Environment
from glue.deploy.project import Project

BUCKET = "staging-terraform-state-111111111111"
OURS = {"root": "bootstrap", "environment": "staging"}


@pytest.fixture
def staging(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111111111111")
    with mock_aws():
        yield Environment.load("staging", project)


def client(service: str) -> Any:
    return boto3.client(service, region_name="eu-central-1")  # type: ignore[call-overload]


def key(tags: dict[str, str]) -> str:
    listed = [{"TagKey": name, "TagValue": value} for name, value in tags.items()]
    made: str = client("kms").create_key(Tags=listed)["KeyMetadata"]["KeyId"]
    return made


def provider(url: str, tags: dict[str, str]) -> str:
    listed = [{"Key": name, "Value": value} for name, value in tags.items()]
    made: str = client("iam").create_open_id_connect_provider(
        Url=url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40], Tags=listed
    )["OpenIDConnectProviderArn"]
    return made


def role(name: str) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)


def test_addresses_are_written_as_terraform_does() -> None:
    resources = [
        {"mode": "data", "type": "aws_region", "name": "x", "instances": [{}]},
        {"mode": "managed", "type": "aws_kms_key", "name": "state", "instances": [{}]},
        {
            "mode": "managed", "type": "aws_s3_bucket", "name": "this", "module": "module.state",
            "instances": [{}],
        },
        {
            "mode": "managed", "type": "aws_iam_role", "name": "plan",
            "instances": [{"index_key": "this"}],
        },
    ]  # fmt: skip
    expected = {adoption.KEY, adoption.BUCKET, adoption.ROLES["plan"]}
    assert adoption.addresses({"resources": resources}) == expected
    assert adoption.addresses({}) == set()


def test_an_empty_account_has_nothing(staging: Environment) -> None:
    assert adoption.left_over(staging, set(), has_ci=True) == {}
    assert adoption.foreign_provider(staging, set()) == {}


def test_everything_is_found_unless_the_state_has_it(staging: Environment) -> None:
    key({})
    key(OURS | {"environment": "prod"})
    ours, lost = key(OURS), key(OURS)
    client("kms").schedule_key_deletion(KeyId=lost)
    place: Any = {"LocationConstraint": "eu-central-1"}
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    role("staging-ci-plan")
    provider("https://example.org", OURS)
    arn = provider(f"https://{adoption.PROVIDER_HOST}", OURS)

    found = adoption.left_over(staging, set(), has_ci=True)

    assert found == {
        adoption.KEY: ours,
        adoption.BUCKET: BUCKET,
        adoption.ROLES["plan"]: "staging-ci-plan",
        adoption.PROVIDER: arn,
    }
    assert adoption.left_over(staging, set(found), has_ci=True) == {}
    assert set(adoption.left_over(staging, set(), has_ci=False)) == {adoption.KEY, adoption.BUCKET}
    assert adoption.foreign_provider(staging, set()) == {}


def test_of_two_keys_the_older_is_taken(
    staging: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keys:
        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self) -> Any:
            return [{"Keys": [{"KeyId": "younger"}, {"KeyId": "older"}, {"KeyId": "aws"}]}]

        def describe_key(self, KeyId: str) -> Any:  # noqa: N803 - AWS's name
            manager = "AWS" if KeyId == "aws" else "CUSTOMER"
            made = {"KeyManager": manager, "KeyState": "Enabled", "CreationDate": KeyId != "older"}
            return {"KeyMetadata": made}

        def list_resource_tags(self, **_: str) -> Any:
            return {"Tags": [{"TagKey": k, "TagValue": v} for k, v in OURS.items()]}

    monkeypatch.setattr(Environment, "client", lambda *_: Keys())
    assert adoption._key(staging) == "older"


def test_a_provider_that_somebody_else_made_is_used_and_left_alone(staging: Environment) -> None:
    arn = provider(f"https://{adoption.PROVIDER_HOST}", {"root": "another"})
    assert adoption.foreign_provider(staging, set()) == {"oidc_provider_arn": arn}
    assert adoption.left_over(staging, set(), has_ci=True) == {}
    assert adoption.foreign_provider(staging, {adoption.PROVIDER}) == {}


@pytest.mark.parametrize("find", [adoption._bucket, adoption._role_finder("plan")])
def test_what_may_not_be_seen_is_an_error(
    staging: Environment, find: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def head_bucket(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "x")

        get_role = head_bucket

    monkeypatch.setattr(Environment, "client", lambda *_: Refusing())
    with pytest.raises(ClientError, match="Forbidden"):
        find(staging)
