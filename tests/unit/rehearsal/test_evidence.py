"""What a plan changes, what an account holds, and whether it moved."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from glue.errors import InputError
from glue.rehearsal import evidence, inventory, planned
from glue.rehearsal.accounts import Account
from glue.rehearsal.evidence import Evidence
from glue.rehearsal.inventory import Listing
from glue.rehearsal.planned import Change

STATE = {
    "serial": 7,
    "resources": [
        {"mode": "managed", "type": "aws_sqs_queue", "instances": [{"attributes": {"name": "a"}}]},
        {"mode": "data", "type": "aws_region", "instances": [{"attributes": {}}]},
    ],
}


def resource(actions: list[str], before: Any, after: Any, **more: Any) -> dict[str, Any]:
    change = {"actions": actions, "before": before, "after": after, **more.pop("change", {})}
    return {"address": "x.y", "type": "x", "mode": "managed", "change": change} | more


def test_a_plan_is_read_down_to_the_attributes() -> None:
    plan = {
        "resource_changes": [
            resource(["no-op"], {}, {}),
            resource(["read"], None, {}, mode="data"),
            resource(["update"], {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 3}, change={
                "after_unknown": {"c": True, "a": False},
            }),
            resource(["delete", "create"], None, {"a": 1}),
        ]
    }  # fmt: skip
    assert planned.read_changes(plan) == [
        Change("x.y", "x", ("update",), ("b", "c")),
        Change("x.y", "x", ("delete", "create"), ("a",)),
    ]
    assert planned.read_changes({}) == []


def test_a_plan_is_counted() -> None:
    def one(*actions: str) -> Change:
        return Change("", "", actions, ())

    found = [one("create"), one("create"), one("update"), one("delete", "create"), one("forget")]
    assert planned.counted(found) == "2 to add, 1 to change, 1 to read, 1 to replace"
    assert planned.counted([]) == "no changes"


def test_the_saved_plan_is_read(account: Callable[[str, str], Account]) -> None:
    prod = account("prod", "2" * 12)
    prod.plan_folder.mkdir(parents=True)
    (prod.plan_folder / "plan.json").write_text(
        json.dumps({"resource_changes": [resource(["create"], None, {"a": 1})]})
    )
    assert [one.actions for one in planned.changes(prod)] == [("create",)]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('logs = { level = "INFO", retention_days = 14 }', 30),
        ('api = 1\nlogs = {\n  retention_days = 3653\n  level = "INFO"\n}\n', 1),
    ],
)
def test_the_retention_of_logs_is_raised_and_nothing_else(
    account: Callable[[str, str], Account], text: str, after: int
) -> None:
    prod = account("prod", "2" * 12)
    prod.variables_file.parent.mkdir()
    other = "network = { flow_logs = { retention_days = 7 } }\n"
    prod.variables_file.write_text(other + text)
    before, now = planned.raise_retention(prod)
    assert now == after
    assert prod.variables_file.read_text() == other + text.replace(str(before), str(after))


def test_variables_without_a_retention_are_an_error(
    account: Callable[[str, str], Account],
) -> None:
    prod = account("prod", "2" * 12)
    prod.variables_file.parent.mkdir()
    prod.variables_file.write_text("network = { flow_logs = { retention_days = 7 } }\n")
    with pytest.raises(InputError, match="retention_days = 30"):
        planned.raise_retention(prod)


# --- the account --------------------------------------------------------------------------------


class Client:
    """A client that has pages of answers for some operations, and one answer for others."""

    def __init__(self, pages: dict[str, list[dict[str, Any]]], plain: dict[str, Any]) -> None:
        self._pages = pages
        self._plain = plain

    def can_paginate(self, operation: str) -> bool:
        return operation in self._pages

    def get_paginator(self, operation: str) -> Client:
        self.operation = operation
        return self

    def paginate(self, **arguments: Any) -> list[dict[str, Any]]:
        return self._pages[self.operation]

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **arguments: self._plain.get(operation, {})


@pytest.fixture
def holding(
    account: Callable[[str, str], Account], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Account]:
    def hold(clients: dict[str, Client]) -> Account:
        empty = Client({"describe_instances": [], "list_keys": []}, {})
        monkeypatch.setattr(
            Account, "client", lambda self, service, region=None: clients.get(service, empty)
        )
        return account("prod", "2" * 12)

    return hold


def test_things_that_are_going_do_not_count(holding: Callable[..., Account]) -> None:
    ec2 = Client(
        {
            "describe_instances": [
                {"Reservations": [{"Instances": [
                    {"InstanceId": "i-1", "State": {"Name": "running"}},
                    {"InstanceId": "i-2", "State": {"Name": "terminated"}},
                ]}]}
            ],
            "describe_nat_gateways": [
                {"NatGateways": [{"NatGatewayId": "nat-1", "State": "deleted"},
                                 {"NatGatewayId": "nat-2", "State": "available"}]}
            ],
        },
        {"describe_addresses": {"Addresses": [{"AllocationId": "eip-1"}]}},
    )  # fmt: skip
    keys = Client(
        {"list_keys": [{"Keys": [{"KeyId": "k"}]}]},
        {"describe_key": {"KeyMetadata": {"KeyState": "PendingDeletion"}}},
    )
    tables = Client({"list_tables": [{"TableNames": ["one"]}, {"TableNames": ["two"]}]}, {})
    held = inventory.inventory(holding({"ec2": ec2, "kms": keys, "dynamodb": tables}))
    assert held == {"ec2 i-1", "ec2 nat-2", "ec2 eip-1", "dynamodb one", "dynamodb two"}


def test_a_living_key_counts(holding: Callable[..., Account]) -> None:
    keys = Client(
        {"list_keys": [{"Keys": [{"KeyId": "k"}]}]},
        {"describe_key": {"KeyMetadata": {"KeyState": "Enabled"}}},
    )
    assert inventory.inventory(holding({"kms": keys})) == {"kms k"}


def test_a_thing_without_its_name_is_told_whole(holding: Callable[..., Account]) -> None:
    prod = holding({"x": Client({}, {"list": {"Things": [{"Id": 3}]}})})
    assert list(inventory.names_of(prod, Listing("x", "list", "Things", "Arn"))) == ["{'Id': 3}"]


def test_a_list_within_the_answer_is_found(holding: Callable[..., Account]) -> None:
    listing = Listing("x", "list", "Things.Items", "Id")
    for answer, names in (
        ({"Things": {"Items": [{"Id": "a"}, {"Id": "b"}]}}, ["a", "b"]),
        ({"Things": {"Quantity": 0}}, []),
        ({}, []),
    ):
        prod = holding({"x": Client({}, {"list": answer})})
        assert list(inventory.names_of(prod, listing)) == names


def test_every_listing_is_a_call_that_aws_has() -> None:
    import botocore.session
    from botocore import xform_name

    session = botocore.session.get_session()
    for listing in inventory.LISTINGS:
        model = session.get_service_model(listing.service)
        operations = {xform_name(name): name for name in model.operation_names}
        shape: Any = model.operation_model(operations[listing.operation]).output_shape
        for part in listing.key.split("."):
            shape = shape.members[part]
        member = shape.member
        assert listing.name in getattr(member, "members", {""}), listing
        assert not listing.state or listing.state in member.members, listing


def test_an_environment_is_gathered(
    account: Callable[[str, str], Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Storage:
        def get_object(self, **where: str) -> dict[str, Any]:
            assert where == {
                "Bucket": f"prod-terraform-state-{'2' * 12}",
                "Key": "env:/prod/platform.tfstate",
            }
            return {"Body": io.BytesIO(json.dumps(STATE).encode())}

    monkeypatch.setattr(Account, "client", lambda *_: Storage())
    monkeypatch.setattr(evidence, "inventory", lambda _: frozenset({"sqs a"}))
    found = evidence.gather(account("prod", "2" * 12))
    assert (found.serial, found.resources) == (7, 1)
    assert found.holds == {"sqs a"}
    assert str(found).startswith("state serial 7, 1 resources, digest ")


STILL = Evidence(3, 2, "abc", frozenset({"sqs a", "sqs b"}))


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (STILL, []),
        (Evidence(4, 2, "x", STILL.holds), ["the state's serial was 3 and is 4"]),
        (
            Evidence(3, 2, "x", STILL.holds),
            ["the state has another content under the same serial 3"],
        ),
        (
            Evidence(3, 2, "abc", frozenset({"sqs a", "sqs c"})),
            ["new in the account: sqs c", "gone in the account: sqs b"],
        ),
    ],
)
def test_what_moved_is_said(later: Evidence, expected: list[str]) -> None:
    assert STILL.differences(later) == expected


def test_many_names_are_not_all_told() -> None:
    assert evidence.listed([f"n{number}" for number in range(7)]) == "n0, n1, n2, n3, n4 and 2 more"
    assert evidence.listed({"a"}) == "a"


def test_data_sources_are_no_resources() -> None:
    assert evidence.instances(STATE) == [("aws_sqs_queue", {"name": "a"})]
