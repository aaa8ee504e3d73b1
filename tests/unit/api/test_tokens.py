import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from glue import aws
from glue.api.caller import caller_of, groups_of
from glue.errors import Forbidden, Unauthorised
from lambdas.issue_token.handler import handler
from tests.unit.api.requests import call, gateway_event
from tests.unit.recordings.fixtures import Cloud, forget

SECRET = "a long enough Secret-1"


@pytest.fixture
def pool(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> str:
    client = aws.identity()
    pool_id: str = client.create_user_pool(PoolName="users")["UserPool"]["Id"]
    client_id = client.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="c",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    client.create_group(UserPoolId=pool_id, GroupName="shippers")
    client.admin_create_user(UserPoolId=pool_id, Username="rig-1", MessageAction="SUPPRESS")
    client.admin_set_user_password(
        UserPoolId=pool_id, Username="rig-1", Password=SECRET, Permanent=True
    )
    client.admin_add_user_to_group(UserPoolId=pool_id, Username="rig-1", GroupName="shippers")
    monkeypatch.setenv("PROVING_GROUND_USER_POOL_CLIENT_ID", client_id)
    forget()
    return pool_id


def ask(**body: object) -> tuple[int, Any]:
    return call(handler, gateway_event("POST", "/token", body=body, user=None))


def test_a_token_for_the_right_secret(pool: str) -> None:
    status, answer = ask(device="rig-1", secret=SECRET)
    assert status == 200
    assert answer["groups"] == ["shippers"]
    assert answer["expires_in"] > 0
    claims = json.loads(base64.urlsafe_b64decode(answer["token"].split(".")[1] + "=="))
    assert claims["cognito:username"] == "rig-1"
    assert claims["token_use"] == "id"


def test_one_answer_for_every_wrong_one(pool: str) -> None:
    answers = [
        ask(device="rig-1", secret="wrong"),
        ask(device="nobody", secret=SECRET),
        ask(device="rig\x00", secret=SECRET),
    ]
    assert answers[0][0] == 401
    assert answers[0][1]["code"] == "unauthorised"
    assert answers == [answers[0]] * 3


def test_bad_requests(pool: str) -> None:
    for body, field in (
        ({"device": "rig-1"}, "secret"),
        ({"device": "", "secret": "x"}, "device"),
        ({"device": "x" * 129, "secret": "x"}, "device"),
        ({"device": 3, "secret": "x"}, "device"),
        ({"device": "x", "secret": "\ud800"}, "secret"),
        ({"device": "x", "secret": "x", "more": 1}, "more"),
    ):
        status, error = ask(**body)
        assert (status, error["field"]) == (400, field)


def test_a_challenge_is_no_token(pool: str) -> None:
    aws.identity().admin_create_user(
        UserPoolId=pool, Username="new", TemporaryPassword=SECRET, MessageAction="SUPPRESS"
    )
    assert ask(device="new", secret=SECRET)[0] == 401


def test_other_faults_are_ours(pool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def initiate_auth(self, **_: object) -> None:
            raise ClientError({"Error": {"Code": "InternalErrorException"}}, "InitiateAuth")

    monkeypatch.setattr(aws, "identity", Broken)
    assert ask(device="rig-1", secret=SECRET)[0] == 500


def test_groups_come_in_many_forms() -> None:
    for claim in (["a", "b"], "a,b", "[a b]", "a b", "[a, b]"):
        assert groups_of(claim) == {"a", "b"}
    empty: list[object] = [None, "", "[]", [], 3]
    for nothing in empty:
        assert groups_of(nothing) == frozenset()


def test_callers() -> None:
    for event in ({}, {"requestContext": None}, {"requestContext": {"authorizer": None}}):
        with pytest.raises(Unauthorised):
            caller_of(event)
    caller = caller_of(gateway_event("GET", "/", user="rig-1", groups=["shippers"]))
    assert caller.seen_device() == "rig-1"
    with pytest.raises(Forbidden, match="operators only"):
        caller.require("operators")
