from __future__ import annotations

from typing import Any

import pytest

from glue.deploy.drift.explained import (
    COUNTED,
    REPEATED,
    UNSET,
    Entry,
    entries,
    explain,
    is_nothing,
)

ROLE = Entry("aws_iam_role.this", "aws_iam_role", {"name": "serve", "id": "serve"})
OURS = Entry(
    "aws_iam_role_policy_attachment.ours",
    "aws_iam_role_policy_attachment",
    {"role": "serve", "policy_arn": "arn:ours"},
)
GROUP = Entry("aws_security_group.this", "aws_security_group", {"id": "sg-1"})
TABLE = Entry("aws_route_table.this", "aws_route_table", {"id": "rtb-1"})


def rule(**values: Any) -> Entry:
    return Entry(
        "aws_vpc_security_group_ingress_rule.this",
        "aws_vpc_security_group_ingress_rule",
        {"security_group_id": "sg-1", **values},
    )


def test_nothing_and_empty_are_the_same() -> None:
    for before, after in ((None, {}), ("", None), ([], None)):
        reason, old, new = explain(ROLE, "tags", before, after, [])
        assert reason is not None
        assert reason.text == UNSET
        assert old == new


def test_zero_is_nothing_where_zero_cannot_be_set() -> None:
    alarm, period = "aws_cloudwatch_metric_alarm", "metric_query[2].period"
    assert all(is_nothing(alarm, period, value) for value in (None, 0, ""))
    assert not is_nothing(alarm, period, 60)
    assert not is_nothing(alarm, "period", 0)
    assert not is_nothing("aws_sqs_queue", period, 0)


def test_what_is_counted() -> None:
    group = Entry("a", "aws_autoscaling_group", {})
    reason, old, new = explain(group, "desired_capacity", 0, 3, [])
    assert reason is not None
    assert reason.text == COUNTED
    assert old == new
    assert explain(group, "max_size", 0, 3, []) == (None, 0, 3)


def test_an_attribute_that_one_owner_sets() -> None:
    bucket = Entry("aws_s3_bucket.this", "aws_s3_bucket", {"bucket": "b", "id": "b"})
    owner = Entry("aws_s3_bucket_policy.this", "aws_s3_bucket_policy", {"bucket": "b"})
    other = Entry("aws_s3_bucket_policy.other", "aws_s3_bucket_policy", {"bucket": "c"})
    reason, old, new = explain(bucket, "policy", "", "{}", [owner, other])
    assert reason is not None
    assert reason.text == REPEATED
    assert reason.by == owner.address
    assert old == new
    # Without its owner in the state it was put there by hand.
    assert explain(bucket, "policy", "", "{}", [other]) == (None, "", "{}")


def test_only_what_is_ours_is_set_aside() -> None:
    reason, old, new = explain(ROLE, "managed_policy_arns", [], ["arn:ours"], [OURS])
    assert reason is not None
    assert old == new == []
    reason, old, new = explain(ROLE, "managed_policy_arns", [], ["arn:ours", "arn:by-hand"], [OURS])
    assert reason is not None
    assert (old, new) == ([], ["arn:by-hand"])
    reason, old, new = explain(ROLE, "managed_policy_arns", [], ["arn:by-hand"], [OURS])
    assert reason is None
    assert (old, new) == ([], ["arn:by-hand"])


def test_inline_policies_go_by_name() -> None:
    owner = Entry("aws_iam_role_policy.f", "aws_iam_role_policy", {"role": "serve", "name": "f"})
    after = [{"name": "f", "policy": "{}"}, {"name": "evil", "policy": "{}"}]
    _, old, new = explain(ROLE, "inline_policy", None, after, [owner])
    assert (old, new) == ([], after[1:])


@pytest.mark.parametrize(
    ("element", "values", "is_ours"),
    [
        ({"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/8"]},
         {"ip_protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_ipv4": "10.0.0.0/8"}, True),
        ({"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["10.0.0.0/8"]},
         {"ip_protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_ipv4": "10.0.0.0/8"},
         False),
        ({"protocol": "udp", "cidr_blocks": ["10.0.0.0/8"]},
         {"ip_protocol": "tcp", "cidr_ipv4": "10.0.0.0/8"}, False),
        ({"protocol": "-1", "from_port": 0, "to_port": 0, "self": True},
         {"ip_protocol": "-1", "referenced_security_group_id": "sg-1"}, True),
        ({"protocol": "-1", "security_groups": ["sg-2"]},
         {"ip_protocol": "-1", "referenced_security_group_id": "sg-2"}, True),
        ({"protocol": "-1", "prefix_list_ids": ["pl-1"]},
         {"ip_protocol": "-1", "cidr_ipv6": "::/0"}, False),
        # A rule without ports or peers of its own must not swallow one from everywhere.
        ({"protocol": "-1", "cidr_blocks": ["0.0.0.0/0"]},
         {"ip_protocol": "-1", "referenced_security_group_id": "sg-2"}, False),
    ],
)  # fmt: skip
def test_rules_of_security_groups(element: Any, values: Any, is_ours: bool) -> None:
    reason, _, new = explain(GROUP, "ingress", [], [element], [rule(**values)])
    assert (reason is not None) is is_ours
    assert new == ([] if is_ours else [element])


def test_a_range_added_by_hand_to_a_rule_of_ours_is_told() -> None:
    ours = rule(ip_protocol="tcp", from_port=443, to_port=443, cidr_ipv4="10.0.0.0/8")
    also = rule(ip_protocol="tcp", from_port=443, to_port=443, cidr_ipv4="10.9.0.0/16")
    element = {"protocol": "tcp", "from_port": 443, "to_port": 443}
    both = element | {"cidr_blocks": ["10.0.0.0/8", "10.9.0.0/16"]}
    assert explain(GROUP, "ingress", [], [both], [ours, also])[2] == []
    more = element | {"cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"]}
    assert explain(GROUP, "ingress", [], [more], [ours, also])[2] == [more]


def test_routes() -> None:
    owner = Entry(
        "aws_route.nat",
        "aws_route",
        {"route_table_id": "rtb-1", "destination_cidr_block": "0.0.0.0/0"},
    )
    after = [{"cidr_block": "0.0.0.0/0"}, {"cidr_block": "10.9.0.0/16"}]
    _, old, new = explain(TABLE, "route", [], after, [owner])
    assert (old, new) == ([], after[1:])


def test_entries_of_a_state() -> None:
    state = {
        "resources": [
            {"mode": "data", "type": "aws_region", "name": "r", "instances": [{"attributes": {}}]},
            {
                "module": "module.a",
                "mode": "managed",
                "type": "t",
                "name": "n",
                "instances": [
                    {"attributes": {"id": "1"}},
                    {"index_key": "k", "attributes": {"id": "2"}},
                    {"index_key": 3},
                ],
            },
        ]
    }
    assert [(one.address, one.values) for one in entries(state)] == [
        ("module.a.t.n", {"id": "1"}),
        ('module.a.t.n["k"]', {"id": "2"}),
        ("module.a.t.n[3]", {}),
    ]
    assert list(entries({})) == []


@pytest.mark.parametrize(
    ("entry", "attribute", "after"),
    [
        (
            Entry("aws_eip.nat", "aws_eip", {"id": "eipalloc-1", "network_interface": "eni-1"}),
            "instance",
            "i-1",
        ),
        (
            Entry("aws_network_interface.nat", "aws_network_interface", {"id": "eni-1"}),
            "attachment",
            [{"instance": "i-1", "device_index": 0}],
        ),
    ],
)
def test_a_machine_started_later_is_said_twice(entry: Entry, attribute: str, after: Any) -> None:
    nat = Entry("aws_instance.nat", "aws_instance", {"primary_network_interface_id": "eni-1"})
    reason, old, new = explain(entry, attribute, None, after, [nat])
    assert reason is not None
    assert reason.by == "aws_instance.nat"
    assert old == new
    assert explain(entry, attribute, None, after, []) == (None, None, after)
