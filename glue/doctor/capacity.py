"""Quotas of the account, and where AWS offers the machines that are configured."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from glue.aws import error_code
from glue.checks.check import UNKNOWN_CALL, Check, Finding
from glue.checks.run import Subject
from glue.doctor.fleets import Fleet, family, fleets, zones

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from glue.checks.report import Result
    from glue.doctor.context import Context

NAME = "capacity"


class Quota(NamedTuple):
    """A quota of Service Quotas: of which service, its code, and AWS's name for it."""

    service: str
    code: str
    name: str


# (family as glue.doctor.fleets counts it, whether Spot): counted in vCPUs, nought in new accounts
# for families with graphics processors.
VCPUS = {
    ("g", False): Quota("ec2", "L-DB2E81BA", "Running On-Demand G and VT instances"),
    ("g", True): Quota("ec2", "L-3819A6DF", "All G and VT Spot Instance Requests"),
    ("p", False): Quota("ec2", "L-417A185B", "Running On-Demand P instances"),
    ("p", True): Quota("ec2", "L-7212CCBC", "All P Spot Instance Requests"),
    ("s", False): Quota("ec2", "L-1216C47A", "Running On-Demand Standard instances"),
    ("s", True): Quota("ec2", "L-34B43A08", "All Standard Spot Instance Requests"),
}
ADDRESSES = Quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs")
NETWORKS = Quota("vpc", "L-F678F1CE", "VPCs per Region")
NAT_ADDRESSES = {"gateway-single": 1, "gateway-per-zone": 3, "instance": 1, "none": 0}

VCPU_QUOTA = Check(
    NAME, "vcpu-quota", "high", "the account may start as many vCPUs as are configured",
    "ask for more in the Service Quotas console (Spot and on-demand are apart), or lower max in "
    "the tfvars file",
)  # fmt: skip
PLACE_QUOTA = Check(
    NAME, "network-quota", "medium", "there is room for the network and its public addresses",
    "release what nobody uses, or ask for more in the Service Quotas console",
)  # fmt: skip
OFFERED = Check(
    NAME, "gpu-offering", "high", "some type of each group is offered in each zone of the network",
    "add instance_types that AWS offers there, or choose other zones in the tfvars file",
)  # fmt: skip
CHECKS = (VCPU_QUOTA, PLACE_QUOTA, OFFERED)


def ask(context: Context) -> Iterator[Result]:
    """Ask for the quotas and offerings of what the environment's file configures."""
    if context.deployment is None:
        return
    machines = list(fleets(context.variables))
    yield from _each(context, OFFERED, {f.name: f for f in machines if f.has_gpus}, _offered)
    sums: dict[Quota, list[Fleet]] = defaultdict(list)
    for fleet in machines:
        for kind in {family(one) for one in fleet.instance_types}:
            sums[VCPUS[kind, fleet.is_spot]].append(fleet)
    by_name = {quota.name: (quota, group) for quota, group in sums.items()}
    yield from _each(context, VCPU_QUOTA, by_name, _vcpus)
    if context.variables.get("network"):
        yield from _each(context, PLACE_QUOTA, {NETWORKS.name: None}, _networks)
        yield from _each(context, PLACE_QUOTA, {ADDRESSES.name: None}, _addresses)


def _each(context: Context, check: Check, things: Mapping[str, Any], look: Any) -> Iterator[Result]:
    """Ask about each thing; where the API does not answer, nothing can be said."""
    for name, thing in things.items():
        try:
            yield check.result(context, name, look(context, thing))
        except (BotoCoreError, ClientError) as error:
            denied = error_code(error) in {*UNKNOWN_CALL, "AccessDeniedException", "AccessDenied"}
            if not context.is_emulated and not denied:
                raise
            yield check.uncovered(context, name, f"no answer: {error}")


def _offered(context: Context, fleet: Fleet) -> Finding:
    """Compare the zones of the network with those in which AWS has a fleet's types."""
    pages = (
        context.aws("ec2")
        .get_paginator("describe_instance_type_offerings")
        .paginate(
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": list(fleet.instance_types)}],
        )
    )
    found: dict[str, set[str]] = {one: set() for one in fleet.instance_types}
    for page in pages:
        for one in page["InstanceTypeOfferings"]:
            found.setdefault(one["InstanceType"], set()).add(one["Location"])
    wanted = zones(context.variables, context.region)
    bare = [zone for zone in wanted if not any(zone in places for places in found.values())]
    nowhere = [one for one, places in found.items() if not places & set(wanted)]
    told = "; ".join(
        f"{one} in {', '.join(sorted(places & set(wanted))) or 'no zone'}"
        for one, places in found.items()
    )
    problems = [f"none in {', '.join(bare)}"] if bare else []
    problems += [f"{', '.join(nowhere)} nowhere"] if nowhere else []
    return Finding(not problems, "; ".join([*problems, told]))


def _vcpus(context: Context, given: tuple[Quota, Sequence[Fleet]]) -> Finding:
    quota, group = given
    sizes = _sizes(context, sorted({one for fleet in group for one in fleet.instance_types}))
    needs = {
        fleet.name: fleet.vcpus
        or fleet.machines * max(sizes.get(one, 0) for one in fleet.instance_types)
        for fleet in group
    }
    value, needed = _value(context, quota), sum(needs.values())
    told = ", ".join(f"{name} {number}" for name, number in needs.items())
    return Finding(
        value >= needed, f"{value:.0f} vCPUs allowed ({quota.code}), {needed} configured: {told}"
    )


def _sizes(context: Context, instance_types: Sequence[str]) -> dict[str, int]:
    """Return the vCPUs of each type."""
    pages = (
        context.aws("ec2")
        .get_paginator("describe_instance_types")
        .paginate(InstanceTypes=list(instance_types))
    )
    return {
        one["InstanceType"]: one["VCpuInfo"]["DefaultVCpus"]
        for page in pages
        for one in page["InstanceTypes"]
    }


def _value(context: Context, quota: Quota) -> float:
    """Return what the account is granted, or AWS's default where it never asked for more."""
    client = context.aws("service-quotas")
    given = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    try:
        answer = client.get_service_quota(**given)
    except client.exceptions.NoSuchResourceException:
        answer = client.get_aws_default_service_quota(**given)
    return float(answer["Quota"]["Value"])


def _networks(context: Context, _: None) -> Finding:
    pages = context.aws("ec2").get_paginator("describe_vpcs").paginate()
    found = [one for page in pages for one in page["Vpcs"]]
    have = _has_ours(context, found)
    allowed = _value(context, NETWORKS)
    needed = len(found) + (0 if have else 1)
    return Finding(
        needed <= allowed, f"{len(found)} there, {allowed:.0f} allowed ({NETWORKS.code})"
    )


def _addresses(context: Context, _: None) -> Finding:
    found = context.aws("ec2").describe_addresses()["Addresses"]
    kind = ((context.variables["network"] or {}).get("nat") or {}).get("kind", "none")
    more = 0 if _has_ours(context, found) else NAT_ADDRESSES.get(kind, 0)
    allowed = _value(context, ADDRESSES)
    told = f"{len(found)} there, {more} more needed, {allowed:.0f} allowed ({ADDRESSES.code})"
    return Finding(len(found) + more <= allowed, told)


def _has_ours(context: Context, found: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the environment has its own already."""
    wanted = {"Key": "environment", "Value": context.environment}
    return any(wanted in one.get("Tags", []) for one in found)


SUBJECT = Subject(NAME, "Quotas, and GPU machines per zone.", ask, CHECKS)
