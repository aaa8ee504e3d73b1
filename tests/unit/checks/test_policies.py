"""What a policy lets everybody do, whatever way it is written in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glue.checks.policies import demands_tls, open_statements, statements

ALLOW: dict[str, Any] = {"Sid": "A", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
DENY: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": "s3:*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": ["arn:aws:iam::1:root", "*"]}},
        {"NotPrincipal": {"AWS": "arn:aws:iam::1:root"}},
        {"Condition": {"StringNotEquals": {"aws:SourceAccount": "1"}}},
        {"Condition": {"StringEqualsIfExists": {"aws:SourceAccount": "1"}}},
        {"Condition": {"ForAllValues:StringEquals": {"aws:SourceAccount": "1"}}},
        {"Condition": {"StringLike": {"aws:SourceArn": "*"}}},
        {"Condition": {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "0.0.0.0/0"]}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_open_to_everybody(change: dict[str, Any]) -> None:
    assert open_statements({"Statement": [ALLOW | change]}) == ["A"]


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Principal": {"AWS": "arn:aws:iam::1:root"}},
        {"Principal": {"Service": "s3.amazonaws.com"}},
        {"Condition": {"StringEquals": {"AWS:SourceAccount": "1"}}},
        {"Condition": {"ForAnyValue:StringEquals": {"aws:PrincipalOrgID": ["o-1"]}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}}},
        {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
    ],
)
def test_closed(change: dict[str, Any]) -> None:
    assert open_statements(json.dumps({"Statement": ALLOW | change})) == []


def test_a_statement_without_a_name_is_told_by_its_actions() -> None:
    bare = {key: value for key, value in ALLOW.items() if key not in {"Sid", "Action"}}
    assert open_statements({"Statement": [bare | {"Action": ["a:B", "c:D"]}]}) == ["a:B, c:D"]
    assert open_statements({"Statement": [bare | {"NotAction": "a:B"}]}) == ["a:B"]


@pytest.mark.parametrize("policy", [None, "", "{}"])
def test_no_policy_has_no_statement(policy: str | None) -> None:
    assert statements(policy) == []
    assert not demands_tls(policy, "s3:*")


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"Action": "*"}, True),
        ({"Action": ["S3:*"]}, True),
        ({"Condition": {"Bool": {"AWS:SecureTransport": [False]}}}, True),
        ({"Effect": "Allow"}, False),
        ({"Action": "s3:GetObject"}, False),
        ({"Principal": {"AWS": "arn:aws:iam::1:root"}}, False),
        ({"Condition": {}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, False),
        ({"Condition": {"Null": {"aws:SecureTransport": "false"}}}, False),
    ],
)
def test_tls_is_demanded_of_everybody_for_everything(change: dict[str, Any], holds: bool) -> None:
    assert demands_tls({"Statement": [DENY | change]}, "s3:*") is holds
