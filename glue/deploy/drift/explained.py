"""Differences that are no drift: what else in the same state, or AWS itself, accounts for them.

Terraform keeps some facts twice: a bucket repeats the policy that a resource of its own sets,
a role the policies attached to it. The copy is only read again by a later refresh, so it looks
like a change made by hand. Such a difference is set aside only when its other half is in the
state; a policy that nobody but a hand attached stays a finding. Nothing is dropped in silence:
what is set aside is told with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

EMPTY: tuple[Any, ...] = (None, "", [], {})
UNSET = "nothing is now called empty"
COUNTED = "AWS counts it, or something that scales by itself sets it"
REPEATED = "repeats what a resource of its own sets, which is looked at itself"


class Entry(NamedTuple):
    """A managed resource of a state: where it is, what it is, and its attributes."""

    address: str
    type: str
    values: Mapping[str, Any]


class Reason(NamedTuple):
    """Why a difference is no drift; `by` names the resources that account for it."""

    text: str
    by: str = ""


# Tells whether resources together account for an element of a list.
Covers = Callable[[Any, Sequence[Mapping[str, Any]]], bool]


class Owner(NamedTuple):
    """The type whose resources set an attribute; `theirs` names in them what `ours` is here."""

    type: str
    theirs: str
    ours: str
    # None when one resource sets all of the attribute.
    covers: Covers | None = None


def _is_named(field: str) -> Covers:
    """Return a test for elements that are, or hold under `name`, an owner's field."""

    def test(element: Any, owners: Sequence[Mapping[str, Any]]) -> bool:
        name = element.get("name") if isinstance(element, dict) else element
        return name in {owner.get(field) for owner in owners}

    return test


def _is_rule(element: Any, owners: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether resources make a rule of a security group, with each of its peers.

    AWS puts all peers of one port into one rule: a range added by hand stands among ours.
    """
    peers = {
        *(element.get("cidr_blocks") or ()),
        *(element.get("ipv6_cidr_blocks") or ()),
        *(element.get("prefix_list_ids") or ()),
        *(element.get("security_groups") or ()),
    } | ({"self"} if element.get("self") else set())
    given: set[Any] = set()
    for owner in owners:
        if _is_same_traffic(element, owner):
            group = owner.get("referenced_security_group_id")
            given |= {owner.get(name) for name in ("cidr_ipv4", "cidr_ipv6", "prefix_list_id")}
            given |= {group, "self" if group == owner.get("security_group_id") else group}
    return bool(peers) and peers <= given


def _is_same_traffic(element: Any, owner: Mapping[str, Any]) -> bool:
    """Tell whether a rule and a resource speak of the same protocol and ports."""
    protocol = str(element.get("protocol"))
    if protocol != str(owner.get("ip_protocol")):
        return False
    ports = [(one.get("from_port") or 0, one.get("to_port") or 0) for one in (element, owner)]
    return protocol == "-1" or ports[0] == ports[1]


def _is_route(element: Any, owners: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a route of a table is one that a resource makes."""
    pairs = (
        ("cidr_block", "destination_cidr_block"),
        ("ipv6_cidr_block", "destination_ipv6_cidr_block"),
        ("destination_prefix_list_id", "destination_prefix_list_id"),
    )
    return any(
        element.get(one) and element.get(one) == owner.get(other)
        for owner in owners
        for one, other in pairs
    )


def _of_bucket(suffix: str) -> Owner:
    return Owner(f"aws_s3_bucket_{suffix}", "bucket", "bucket")


_INGRESS = Owner("aws_vpc_security_group_ingress_rule", "security_group_id", "id", _is_rule)
_EGRESS = Owner("aws_vpc_security_group_egress_rule", "security_group_id", "id", _is_rule)
_QUEUE = ("queue_url", "id")

# (type, attribute): who sets it.
OWNERS: dict[tuple[str, str], Owner] = {
    ("aws_api_gateway_rest_api", "policy"): Owner(
        "aws_api_gateway_rest_api_policy", "rest_api_id", "id"
    ),
    ("aws_s3_bucket", "acl"): _of_bucket("acl"),
    ("aws_s3_bucket", "cors_rule"): _of_bucket("cors_configuration"),
    ("aws_s3_bucket", "grant"): _of_bucket("acl"),
    ("aws_s3_bucket", "lifecycle_rule"): _of_bucket("lifecycle_configuration"),
    ("aws_s3_bucket", "logging"): _of_bucket("logging"),
    ("aws_s3_bucket", "object_lock_configuration"): _of_bucket("object_lock_configuration"),
    ("aws_s3_bucket", "policy"): _of_bucket("policy"),
    ("aws_s3_bucket", "replication_configuration"): _of_bucket("replication_configuration"),
    ("aws_s3_bucket", "server_side_encryption_configuration"): _of_bucket(
        "server_side_encryption_configuration"
    ),
    ("aws_s3_bucket", "versioning"): _of_bucket("versioning"),
    ("aws_s3_bucket", "website"): _of_bucket("website_configuration"),
    # An address and an interface say which machine they are at; the machine says it itself.
    ("aws_eip", "instance"): Owner(
        "aws_instance", "primary_network_interface_id", "network_interface"
    ),
    ("aws_network_interface", "attachment"): Owner(
        "aws_instance", "primary_network_interface_id", "id"
    ),
    ("aws_iam_role", "inline_policy"): Owner(
        "aws_iam_role_policy", "role", "name", _is_named("name")
    ),
    ("aws_iam_role", "managed_policy_arns"): Owner(
        "aws_iam_role_policy_attachment", "role", "name", _is_named("policy_arn")
    ),
    ("aws_kms_key", "policy"): Owner("aws_kms_key_policy", "key_id", "key_id"),
    ("aws_route_table", "route"): Owner("aws_route", "route_table_id", "id", _is_route),
    ("aws_secretsmanager_secret", "policy"): Owner(
        "aws_secretsmanager_secret_policy", "secret_arn", "arn"
    ),
    ("aws_security_group", "egress"): _EGRESS,
    ("aws_security_group", "ingress"): _INGRESS,
    ("aws_default_security_group", "egress"): _EGRESS,
    ("aws_default_security_group", "ingress"): _INGRESS,
    ("aws_sns_topic", "policy"): Owner("aws_sns_topic_policy", "arn", "arn"),
    ("aws_sqs_queue", "policy"): Owner("aws_sqs_queue_policy", *_QUEUE),
    ("aws_sqs_queue", "redrive_allow_policy"): Owner("aws_sqs_queue_redrive_allow_policy", *_QUEUE),
    ("aws_sqs_queue", "redrive_policy"): Owner("aws_sqs_queue_redrive_policy", *_QUEUE),
}

# (type, path) of numbers that the provider reads as zero where nothing is set; zero itself
# cannot be set there.
ZERO_IS_NOTHING = {
    ("aws_cloudfront_distribution", "custom_error_response[].response_code"),
    ("aws_cloudwatch_metric_alarm", "metric_query[].period"),
}

# (type, attribute) whose value nobody configures: it moves by itself.
COUNTERS = {
    ("aws_autoscaling_group", "desired_capacity"),
    ("aws_autoscaling_group", "predicted_capacity"),
    ("aws_autoscaling_group", "warm_pool_size"),
    ("aws_cognito_user_pool", "estimated_number_of_users"),
    ("aws_ecs_cluster", "status"),
    ("aws_eks_addon", "modified_at"),
    ("aws_lambda_event_source_mapping", "last_modified"),
    ("aws_lambda_function", "last_modified"),
    ("aws_lambda_event_source_mapping", "last_processing_result"),
}


def is_nothing(kind: str, path: str, value: Any) -> bool:
    """Tell whether a value at a path within a resource only says that nothing is set."""
    anywhere = re.sub(r"\[\d+\]", "[]", path)
    return value in EMPTY or (value == 0 and (kind, anywhere) in ZERO_IS_NOTHING)


def explain(
    entry: Entry, attribute: str, before: Any, after: Any, state: Sequence[Entry]
) -> tuple[Reason | None, Any, Any]:
    """Return why a changed attribute is no drift, and what remains of it that is.

    `state` is what Terraform last wrote, before it looked again. The two values returned are
    equal when nothing remains.
    """
    if before in EMPTY and after in EMPTY:
        return Reason(UNSET), after, after
    if (entry.type, attribute) in COUNTERS:
        return Reason(COUNTED), after, after
    owner = OWNERS.get((entry.type, attribute))
    if owner is None:
        return None, before, after
    ours = (entry.values.get(owner.ours), entry.values.get("id"))
    found = [
        one for one in state if one.type == owner.type and one.values.get(owner.theirs) in ours
    ]
    if not found:
        return None, before, after
    reason = Reason(REPEATED, ", ".join(sorted(one.address for one in found)))
    if owner.covers is None:
        return reason, after, after
    old, new = (_uncovered(owner.covers, found, value or []) for value in (before, after))
    is_told = len(old) < len(before or []) or len(new) < len(after or [])
    return reason if is_told else None, old, new


def _uncovered(covers: Covers, owners: Sequence[Entry], elements: list[Any]) -> list[Any]:
    """Return the elements that the owners do not account for."""
    values = [owner.values for owner in owners]
    return [one for one in elements if not covers(one, values)]


def entries(state: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield every managed resource of a state as `terraform state pull` gives it."""
    for resource in state.get("resources", []):
        if resource.get("mode") != "managed":
            continue
        for instance in resource.get("instances", []):
            address = ".".join(
                part
                for part in (resource.get("module"), resource["type"], resource["name"])
                if part
            )
            key = instance.get("index_key")
            if key is not None:
                address += f"[{key}]" if isinstance(key, int) else f'["{key}"]'
            yield Entry(address, resource["type"], instance.get("attributes") or {})


def resources_of(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the attributes of every managed resource of a state."""
    for entry in entries(state):
        yield entry.values
