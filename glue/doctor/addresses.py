"""Networks: no address range twice, in the files or in the account."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from itertools import combinations
from typing import TYPE_CHECKING, Any

from glue.checks.check import Check, Finding
from glue.checks.run import Subject
from glue.deploy.tagged import PROJECT_TAG
from glue.doctor import tfvars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glue.checks.report import Result
    from glue.doctor.context import Context

NAME = "addresses"
SMALLEST, LARGEST = 28, 16

RANGE = Check(
    NAME, "address-range", "high", "network.address_range is a private range that a VPC can have",
    'write a private range of /16 to /28, such as network = { address_range = "10.20.0.0/16" }',
)  # fmt: skip
ENVIRONMENTS = Check(
    NAME, "environments-apart", "medium", "no two environments' networks overlap",
    "give one of them another network.address_range: overlapping ones can never be joined",
)  # fmt: skip
ACCOUNT = Check(
    NAME, "account-apart", "medium", "no other network of the account overlaps with ours",
    "give ours another network.address_range, or delete the other if nobody uses it",
)  # fmt: skip
CHECKS = (RANGE, ENVIRONMENTS, ACCOUNT)


def ask(context: Context) -> Iterator[Result]:
    """Compare the ranges of all environments, and with what is in the account."""
    ranges = {
        name: text
        for name, values in tfvars.environments(context.project).items()
        if (text := (values.get("network") or {}).get("address_range"))
    }
    wanted = {n: t for n, t in ranges.items() if not context.deployment or n == context.environment}
    yield from RANGE.each(context, wanted, _is_usable)
    usable = {name: ip_network(text) for name, text in ranges.items() if _is_usable(text).is_good}
    pairs = {
        f"{one}-{other}": (usable[one], usable[other])
        for one, other in combinations(usable, 2)
        if {one, other} & set(wanted)
    }
    yield from ENVIRONMENTS.each(context, pairs, lambda pair: _apart(*pair))
    mine = usable.get(context.environment)
    if context.deployment is None or mine is None:
        return
    yield from ACCOUNT.each(context, {context.region: mine}, lambda _: _account(context, mine))


def _is_usable(text: str) -> Finding:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        return Finding(False, f"{text}: {error}")
    good = network.is_private and LARGEST <= network.prefixlen <= SMALLEST
    return Finding(good, f"{text}, {network.num_addresses} addresses")


def _apart(one: Any, other: Any) -> Finding:
    return Finding(not one.overlaps(other), f"{one} and {other}")


def _account(context: Context, mine: Any) -> Finding:
    """Compare with the networks that are in the account and not this environment's own."""
    pages = context.aws("ec2").get_paginator("describe_vpcs").paginate()
    others: dict[str, Any] = {}
    for vpc in (one for page in pages for one in page["Vpcs"]):
        if _is_ours(context, vpc):
            continue
        for block in vpc.get("CidrBlockAssociationSet") or [{"CidrBlock": vpc["CidrBlock"]}]:
            others[f"{vpc['VpcId']} {block['CidrBlock']}"] = ip_network(block["CidrBlock"])
    clashing = [name for name, network in others.items() if network.overlaps(mine)]
    found = f"{mine} overlaps with {', '.join(clashing)}" if clashing else f"{len(others)} others"
    return Finding(not clashing, found)


def _is_ours(context: Context, vpc: Mapping[str, Any]) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in vpc.get("Tags", [])}
    wanted = {"project": PROJECT_TAG, "environment": context.environment}
    return wanted.items() <= tags.items()


SUBJECT = Subject(NAME, "Address ranges that would overlap.", ask, CHECKS)
