"""The network: what flows is written down, and nothing is open by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "network"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"

FLOW_LOGS = Check(
    NAME, "flow-logs-active", "medium", "a flow log of the network is active and delivers",
    "set network.flow_logs in ENV.tfvars; if delivery fails, read its error: " + PLAN,
    "Networks",
)  # fmt: skip
DEFAULT_GROUP = Check(
    NAME, "default-security-group-empty", "high",
    "the default security group, which everything unnamed falls into, has no rule", PLAN,
)  # fmt: skip
OPEN_GROUP = Check(
    NAME, "security-group-closed", "high",
    "no security group lets the whole internet in, but for ports 80 and 443", PLAN,
)  # fmt: skip
PUBLIC_ADDRESSES = Check(
    NAME, "private-subnet-addresses", "medium",
    "instances in private subnets get no public address, and none of their routes is the "
    "internet gateway", PLAN,
)  # fmt: skip
ENDPOINTS = Check(
    NAME, "gateway-endpoints", "medium",
    "S3 and DynamoDB are reached by gateway endpoints, not by the NAT one pays for", PLAN,
)  # fmt: skip
PORTS_FOR_ALL = {80, 443}
REASON = "DeliverLogsErrorMessage"
EVERYWHERE = {"0.0.0.0/0", "::/0"}


def ask(context: Context) -> Iterator[Result]:
    """Ask the network of the outputs, or the one with the environment's tags."""
    client = context.aws("ec2")
    named = inventory.output(context, "network", "vpc_id")
    wanted = {"VpcIds": [named]} if named else {"Filters": inventory.filters(context)}
    networks = [vpc["VpcId"] for vpc in client.describe_vpcs(**wanted).get("Vpcs", [])]
    for vpc in networks:
        where = [{"Name": "vpc-id", "Values": [vpc]}]
        groups = list(
            inventory.pages(client, "describe_security_groups", "SecurityGroups", Filters=where)
        )
        default = {g["GroupId"]: g for g in groups if g["GroupName"] == "default"}
        others = {
            f"{g['GroupName']}/{g['GroupId']}": g for g in groups if g["GroupName"] != "default"
        }
        yield from FLOW_LOGS.each(context, [vpc], lambda v: _flow_logs(client, v))
        yield from DEFAULT_GROUP.each(context, default, _empty)
        yield from OPEN_GROUP.each(context, others, _closed)
        subnets = inventory.output(context, "network", "private_subnet_ids") or {}
        tables = client.describe_route_tables(Filters=where)["RouteTables"]
        yield from PUBLIC_ADDRESSES.each(
            context, subnets, lambda s, t=tables: _private(client, t, s)
        )
        yield from ENDPOINTS.each(context, {vpc: where}, lambda f: _endpoints(client, f))


def _flow_logs(client: Any, vpc: str) -> Finding:
    wanted = [{"Name": "resource-id", "Values": [vpc]}]
    logs = client.describe_flow_logs(Filters=wanted)["FlowLogs"]
    if not logs:
        return Finding(False, "none")
    good = [
        log
        for log in logs
        if log.get("FlowLogStatus") == "ACTIVE"
        and log.get("DeliverLogsStatus", "SUCCESS") == "SUCCESS"
    ]
    shown = good or logs
    said = [
        " ".join(str(log[k]) for k in ("FlowLogId", "FlowLogStatus", REASON) if log.get(k))
        for log in shown
    ]
    return Finding(bool(good), ", ".join(said))


def _empty(group: dict[str, Any]) -> Finding:
    inward = len(group.get("IpPermissions", []))
    outward = len(group.get("IpPermissionsEgress", []))
    return Finding(not inward + outward, f"{inward} rules inward, {outward} outward")


def _closed(group: dict[str, Any]) -> Finding:
    found = []
    for rule in group.get("IpPermissions", []):
        ranges = {r["CidrIp"] for r in rule.get("IpRanges", [])}
        ranges |= {r["CidrIpv6"] for r in rule.get("Ipv6Ranges", [])}
        first, last = rule.get("FromPort"), rule.get("ToPort")
        if ranges & EVERYWHERE and not (first == last and first in PORTS_FOR_ALL):
            found.append("all ports" if first is None else f"{first}-{last}")
    return Finding(not found, f"open to all: {', '.join(found)}" if found else "closed")


def _private(client: Any, tables: list[dict[str, Any]], subnet: str) -> Finding:
    described = client.describe_subnets(SubnetIds=[subnet])["Subnets"][0]
    own = [t for t in tables if any(a.get("SubnetId") == subnet for a in t.get("Associations", []))]
    main = [t for t in tables if any(a.get("Main") for a in t.get("Associations", []))]
    gateways = {
        route["GatewayId"]
        for table in (own or main)
        for route in table.get("Routes", [])
        if str(route.get("GatewayId", "")).startswith("igw-")
    }
    wrong = ["gives public addresses"] if described.get("MapPublicIpOnLaunch") else []
    wrong += [f"leads to {gateway}" for gateway in sorted(gateways)]
    return Finding(not wrong, f"{subnet} {' and '.join(wrong) or 'is private'}")


def _endpoints(client: Any, where: list[dict[str, Any]]) -> Finding:
    found = {
        one["ServiceName"].rpartition(".")[2]
        for one in client.describe_vpc_endpoints(Filters=where)["VpcEndpoints"]
        if one.get("VpcEndpointType") == "Gateway" and str(one.get("State")).lower() == "available"
    }
    missing = sorted({"s3", "dynamodb"} - found)
    return Finding(not missing, f"missing: {', '.join(missing)}" if missing else "both")


SUBJECT = Subject(
    NAME, "Network: flow logs, security groups, private subnets, endpoints.", ask,
    (FLOW_LOGS, DEFAULT_GROUP, OPEN_GROUP, PUBLIC_ADDRESSES, ENDPOINTS),
)  # fmt: skip
