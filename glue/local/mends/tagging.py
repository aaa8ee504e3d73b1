"""The tagging service finds all that is tagged, as AWS's does.

MiniStack 1.5.33 leaves much of what it lets be tagged out of GetResources.

Without it nobody could show that a destroy leaves nothing behind: networks, clusters, machines,
log groups, alarms, secrets, certificates, zones and APIs would never be listed.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

Found = tuple[str, list[dict[str, str]]]

# Services of this module's own: AWS lists what belongs to no region in this one.
GLOBAL_REGION = "us-east-1"

EXPECTED = {
    "_get_resources": "6c282b6fd196",
}

EXPECTED_OF_EC2 = {"_sg_rule_id": "097cbea3caed"}

# EC2's kinds of things: the emulator's store, and the word in an ARN.
MACHINES = {
    "_addresses": "elastic-ip",
    "_dhcp_options": "dhcp-options",
    "_flow_logs": "vpc-flow-log",
    "_images": "image",
    "_instances": "instance",
    "_internet_gateways": "internet-gateway",
    "_launch_templates": "launch-template",
    "_nat_gateways": "natgateway",
    "_network_acls": "network-acl",
    "_network_interfaces": "network-interface",
    "_route_tables": "route-table",
    "_security_groups": "security-group",
    "_snapshots": "snapshot",
    "_subnets": "subnet",
    "_volumes": "volume",
    "_vpc_endpoints": "vpc-endpoint",
    "_vpcs": "vpc",
}
# Records of these stay for a while after the thing itself is gone, as on AWS.
ENDED = {"deleted", "terminated"}
# Where a security group keeps its rules, and whether they are those of egress.
RULES = {"IpPermissions": False, "IpPermissionsEgress": True}


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Add what is missing to the tagging service. Raises MendError if it is another emulator."""
    from ministack.services import ec2, tagging

    expect(tagging, EXPECTED)
    expect(ec2, EXPECTED_OF_EC2)
    collectors: dict[str, Callable[[], Iterator[Found]]] = {
        "acm": certificates,
        "apigateway": interfaces,
        "autoscaling": groups,
        "cloudwatch": alarms,
        "ec2": machines,
        "eks": clusters,
        "logs": log_groups,
        "route53": zones,
        "secretsmanager": secrets,
    }
    for service, collect in collectors.items():
        tagging._COLLECTORS[service] = collect


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as GetResources writes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def place() -> tuple[str, str]:
    """Return region and account of the request that is being answered."""
    from ministack.core.responses import get_account_id, get_region

    return get_region(), get_account_id()


def certificates() -> Iterator[Found]:
    """Yield certificates."""
    from ministack.services import acm

    for arn, record in acm._certificates.items():
        yield arn, record.get("Tags", [])


def interfaces() -> Iterator[Found]:
    """Yield REST APIs, their stages, usage plans and API keys."""
    from ministack.services import apigateway_v1 as gateway

    region, _ = place()
    root = f"arn:aws:apigateway:{region}::"
    for name in gateway._rest_apis:
        arn = f"{root}/restapis/{name}"
        yield arn, pairs(gateway._v1_tags.get(arn, {}))
        for stage, record in gateway._stages_v1.get(name, {}).items():
            yield f"{arn}/stages/{stage}", pairs(_tags_of(gateway, f"{arn}/stages/{stage}", record))
    for store, word in ((gateway._usage_plans, "usageplans"), (gateway._api_keys, "apikeys")):
        for name, record in store.items():
            yield f"{root}/{word}/{name}", pairs(_tags_of(gateway, f"{root}/{word}/{name}", record))


def _tags_of(gateway: Any, arn: str, record: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags a record was made with and those that were set later."""
    return {**(record.get("tags") or {}), **gateway._v1_tags.get(arn, {})}


def groups() -> Iterator[Found]:
    """Yield Auto Scaling groups."""
    from ministack.services import autoscaling

    for record in autoscaling._asgs.values():
        tags = {tag["Key"]: tag["Value"] for tag in record.get("Tags", [])}
        yield record["AutoScalingGroupARN"], pairs(tags)


def alarms() -> Iterator[Found]:
    """Yield alarms of this region."""
    from ministack.services import cloudwatch

    yield from _here(cloudwatch._resource_tags)


def clusters() -> Iterator[Found]:
    """Yield clusters and what belongs to them."""
    from ministack.services import eks

    yield from _here(eks._tags)


def _here(tags: Mapping[str, Mapping[str, str]]) -> Iterator[Found]:
    """Yield those of an account's tags whose ARN is of this region."""
    region, _ = place()
    for arn, found in tags.items():
        if arn.split(":")[3] == region:
            yield arn, pairs(found)


def log_groups() -> Iterator[Found]:
    """Yield log groups, by an ARN without the star that other calls put behind it."""
    from ministack.services import cloudwatch_logs

    for record in cloudwatch_logs._log_groups.values():
        yield record["arn"].removesuffix(":*"), pairs(record.get("tags") or {})


def machines() -> Iterator[Found]:
    """Yield what EC2 has, from networks to volumes, unless it has ended."""
    from ministack.services import ec2

    region, account = place()
    root = f"arn:aws:ec2:{region}:{account}:"
    for store, word in MACHINES.items():
        for name, record in getattr(ec2, store).items():
            if _state(record) not in ENDED:
                yield f"{root}{word}/{name}", ec2._tags.get(name, [])
    # The tags of a rule outlive its group in the emulator, so the rules that are there are asked.
    for name, record in ec2._security_groups.items():
        for key, is_egress in RULES.items():
            for rule in record.get(key, []):
                identity = ec2._sg_rule_id(name, is_egress, rule)
                yield f"{root}security-group-rule/{identity}", ec2._tags.get(identity, [])


def _state(record: Any) -> str:
    """Return the state of a record, which may be a word or hold one."""
    state = record.get("State") if isinstance(record, dict) else None
    return str(state.get("Name") if isinstance(state, dict) else state)


def secrets() -> Iterator[Found]:
    """Yield secrets, those whose period of grace runs too."""
    from ministack.services import secretsmanager

    for record in secretsmanager._secrets.values():
        yield record["ARN"], record.get("Tags") or []


def zones() -> Iterator[Found]:
    """Yield zones and health checks, which AWS lists in one region for all."""
    from ministack.services import route53

    region, _ = place()
    if region != GLOBAL_REGION:
        return
    kinds = {"hostedzone": route53._zones, "healthcheck": route53._health_checks}
    for (kind, name), tags in route53._tags.items():
        if name in kinds.get(kind, {}):
            yield f"arn:aws:route53:::{kind}/{name}", pairs(tags)
