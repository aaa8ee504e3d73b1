"""DynamoDB and ECR of the running local cloud, and CI's roles: what Terraform has to find again."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from glue.local.clients import LocalSession
from glue.local.cloud import Cloud
from glue.local.mends.dynamodb_indexes import ceilings
from glue.local.mends.ecr_replication import problem_of

RULE: dict[str, Any] = {
    "destinations": [{"region": "us-east-1", "registryId": "000000000000"}],
    "repositoryFilters": [{"filter": "local-", "filterType": "PREFIX_MATCH"}],
}


@pytest.mark.local
def test_replication_is_described_and_survives_a_restart(
    cloud: Cloud, session: LocalSession
) -> None:
    registry = session.client("ecr")

    def described() -> Any:
        return registry.describe_registry()["replicationConfiguration"]["rules"]

    assert described() == []
    registry.put_replication_configuration(replicationConfiguration={"rules": [RULE]})
    assert described() == [RULE]
    home = [{"region": "eu-central-1", "registryId": "000000000000"}]
    with pytest.raises(ClientError, match="cannot be a destination of its own images"):
        registry.put_replication_configuration(
            replicationConfiguration={"rules": [{"destinations": home}]}
        )
    assert registry.describe_repositories()["repositories"] == [], "other actions still answer"
    cloud.down()
    cloud.up()
    assert described() == [RULE]
    registry.put_replication_configuration(replicationConfiguration={"rules": []})
    assert described() == []


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        ({"rules": [RULE]}, None),
        ({"rules": []}, None),
        ({}, "at most 10 rules"),
        ({"rules": [RULE] * 11}, "at most 10 rules"),
        ({"rules": [{"destinations": []}]}, "1 to 25 destinations"),
        ({"rules": [RULE | {"repositoryFilters": [{"filter": "a"}] * 101}]}, "at most 100"),
        ({"rules": [RULE | {"repositoryFilters": [{"filter": "a"}]}]}, "filterType PREFIX_MATCH"),
    ],
)
def test_replication_is_checked(configuration: dict[str, Any], problem: str | None) -> None:
    found = problem_of(configuration, "000000000000", "eu-central-1")
    assert (found is None) if problem is None else (problem in str(found))


@pytest.mark.local
def test_an_index_gets_another_ceiling(session: LocalSession) -> None:
    tables = session.client("dynamodb")
    ceiling = {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 5}
    tables.create_table(
        TableName="limited", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("user", "state")
        ],
        KeySchema=[{"AttributeName": "user", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[{
            "IndexName": "by-state", "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"}, "OnDemandThroughput": ceiling,
        }],
    )  # fmt: skip

    def change(throughput: dict[str, int]) -> Any:
        update = {"IndexName": "by-state", "OnDemandThroughput": throughput}
        answer = tables.update_table(
            TableName="limited", GlobalSecondaryIndexUpdates=[{"Update": update}]
        )
        return answer["TableDescription"]["GlobalSecondaryIndexes"][0]["OnDemandThroughput"]

    assert (
        change({"MaxReadRequestUnits": 20, "MaxWriteRequestUnits": 5})["MaxReadRequestUnits"] == 20
    )
    assert change({"MaxReadRequestUnits": 20}) == {
        "MaxReadRequestUnits": 20, "MaxWriteRequestUnits": -1,
    }  # fmt: skip
    found = tables.describe_table(TableName="limited")["Table"]["GlobalSecondaryIndexes"][0]
    assert found["OnDemandThroughput"]["MaxWriteRequestUnits"] == -1
    assert tables.update_table(TableName="limited", DeletionProtectionEnabled=True)
    with pytest.raises(ClientError, match="Index: absent"):
        tables.update_table(
            TableName="limited",
            GlobalSecondaryIndexUpdates=[
                {"Update": {"IndexName": "absent", "OnDemandThroughput": ceiling}}
            ],
        )


def test_only_updates_of_a_ceiling_are_read() -> None:
    updates = [{"Create": {"IndexName": "a"}}, {"Update": {"IndexName": "b"}}]
    assert ceilings({"GlobalSecondaryIndexUpdates": updates}) == {}
    assert ceilings({}) == {}


@pytest.mark.local
def test_a_role_is_taken_on_by_the_claims_of_a_token(session: LocalSession) -> None:
    iam, sts = session.client("iam"), session.client("sts")
    host = "token.actions.githubusercontent.com"
    arn = iam.create_open_id_connect_provider(
        Url=f"https://{host}", ClientIDList=["sts.amazonaws.com"]
    )["OpenIDConnectProviderArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{host}:aud": "sts.amazonaws.com",
                f"{host}:sub": ["repo:o/n:environment:staging"],
            }
        },
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = iam.create_role(RoleName="by-token", AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    def take(subject: str, audience: str = "sts.amazonaws.com") -> Any:
        claims = {"iss": f"https://{host}", "sub": subject, "aud": audience}
        parts = [{"alg": "none"}, claims]
        token = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
            for part in parts
        )
        return sts.assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="test", WebIdentityToken=f"{token}.x"
        )["Credentials"]

    assert take("repo:o/n:environment:staging")["AccessKeyId"]
    for subject, audience in (
        ("repo:o/n:pull_request", "sts.amazonaws.com"),
        ("repo:o/n:environment:staging-2", "sts.amazonaws.com"),
        ("repo:o/n:environment:staging", "somebody"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            take(subject, audience)
