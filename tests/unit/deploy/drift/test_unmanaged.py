"""Which of the things that carry our tags are known, or recognised."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from glue.deploy import tagged
from glue.deploy.drift import unmanaged
from glue.deploy.drift.unmanaged import Known, recognised
from glue.deploy.tagged import Tagged

EC2 = "arn:aws:ec2:eu-central-1:1:"
BATCH = "arn:aws:batch:eu-central-1:1:"


@pytest.mark.parametrize(
    ("arn", "is_known"),
    [
        ("arn:aws:sqs:eu-central-1:1:a", True),
        ("arn:aws:sqs:eu-central-1:1:b", False),
        # The tagging service leaves out what the state writes behind a log group.
        ("arn:aws:logs:eu-central-1:1:log-group:/a", True),
        # EC2's ids stand for themselves; a name that is somebody else's id does not.
        (f"{EC2}natgateway/nat-0123456789abcdef0", True),
        (f"{EC2}natgateway/nat-0123456789abcdef1", False),
        (f"{EC2}volume/vol-0123456789abcdef0", True),
        (f"{EC2}volume/vol-0123456789abcdef1", False),
        ("arn:aws:dynamodb:eu-central-1:1:table/leaderboard", False),
        ("arn:aws:eks:eu-central-1:1:access-entry/c/x", True),
        ("arn:aws:iam::1:role/theirs", False),
    ],
)
def test_what_a_state_knows(arn: str, is_known: bool) -> None:
    known = Known([[
        {"arn": "arn:aws:sqs:eu-central-1:1:a"},
        {"arn": "arn:aws:logs:eu-central-1:1:log-group:/a:*"},
        {"id": "nat-0123456789abcdef0"},
        {"id": "i-1", "root_block_device": [{"volume_id": "vol-0123456789abcdef0"}]},
        {"id": "leaderboard", "arn": None, "role_arn": "arn:aws:iam::1:role/theirs"},
        {"id": "c:x", "access_entry_arn": "arn:aws:eks:eu-central-1:1:access-entry/c/x"},
    ]])  # fmt: skip
    assert known.has(Tagged(arn, {})) is is_known


@pytest.mark.parametrize(
    ("arn", "tags", "word"),
    [
        ("arn:aws:apigateway:eu-central-1::/apikeys/x", {}, "API key of a device"),
        (f"{EC2}instance/i-1", {"aws:autoscaling:groupName": "g"}, "Auto Scaling"),
        (f"{EC2}instance/i-1", {"autoscaling:groupName": "g"}, None),
        (f"{BATCH}job/x", {}, "a job"),
        (f"{BATCH}job-definition/train:3", {}, "earlier revision"),
        (f"{BATCH}job-definition/other:3", {}, None),
        (f"{BATCH}job-definition/train:x", {}, None),
    ],
)
def test_what_is_made_outside_on_purpose(arn: str, tags: Any, word: str | None) -> None:
    known = Known([[{"arn_prefix": f"{BATCH}job-definition/train"}]])
    reason = recognised(Tagged(arn, tags), known)
    assert reason is None if word is None else word in str(reason)


@pytest.mark.parametrize(
    ("resource", "severity"),
    [
        ("ec2:eu-central-1:1:instance/i-1", "high"),
        ("ec2:eu-central-1:1:security-group/sg-1", "medium"),
        ("batch:eu-central-1:1:job-queue/a", "high"),
        ("batch:eu-central-1:1:job-definition/a:1", "medium"),
        ("sqs:eu-central-1:1:a", "medium"),
        ("s3:::bucket", "high"),
    ],
)
def test_how_grave_it_is(resource: str, severity: str) -> None:
    assert unmanaged._severity(Tagged(f"arn:aws:{resource}", {})) == severity


def failing(code: str, operation: str = "GetObject") -> Any:
    def call(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code}}, operation)

    return call


class Services:
    """An environment whose services fail as they are told to."""

    def __init__(self, **calls: Any) -> None:
        self.__dict__.update(calls)
        self.name = "local"
        self.state_bucket = "b"

    class facts:  # noqa: N801
        region = "eu-central-1"

    def client(self, _: str) -> Services:
        return self

    def get_paginator(self, name: str) -> Any:
        class Pages:
            @staticmethod
            def paginate(**_: Any) -> Any:
                return self.__dict__[name]

        return Pages


def test_a_state_that_is_gone_meanwhile() -> None:
    pages = [{}, {"Contents": [{"Key": "a.tfstate"}]}]
    gone: Any = Services(list_objects_v2=pages, get_object=failing("NoSuchKey"))
    assert list(unmanaged.other_states(gone)) == []
    denied: Any = Services(list_objects_v2=pages, get_object=failing("AccessDenied"))
    with pytest.raises(ClientError, match="AccessDenied"):
        list(unmanaged.other_states(denied))


SECRET = Tagged("arn:aws:secretsmanager:eu-central-1:1:secret:a", {})


def test_secrets_that_go() -> None:
    kept: Any = Services(describe_secret=lambda **_: {})
    assert tagged.going(kept, SECRET) is None
    leaving: Any = Services(
        describe_secret=lambda **_: {"DeletedDate": datetime(2026, 12, 1, tzinfo=UTC)}
    )
    assert tagged.going(leaving, SECRET) == "the secret is deleted on 2026-12-01"
    gone: Any = Services(describe_secret=failing("ResourceNotFoundException"))
    assert "not heard" in str(tagged.going(gone, SECRET))
    denied: Any = Services(describe_secret=failing("AccessDenied"))
    with pytest.raises(ClientError):
        tagged.going(denied, SECRET)


def test_roles_that_go_while_they_are_asked() -> None:
    role = {"RoleName": "a", "Path": "/", "Arn": "arn:a"}
    theirs = role | {"Path": "/aws-service-role/batch.amazonaws.com/"}
    roles = [{"Roles": [role, theirs]}]
    users: list[Any] = [{"Users": []}]
    calls = {"list_roles": roles, "list_users": users}
    gone: Any = Services(**calls, list_role_tags=failing("NoSuchEntity"))
    assert list(tagged._identities(gone)) == [Tagged("arn:a", {})]
    denied: Any = Services(**calls, list_role_tags=failing("AccessDenied"))
    with pytest.raises(ClientError):
        list(tagged._identities(denied))
