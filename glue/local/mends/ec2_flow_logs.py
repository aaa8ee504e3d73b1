"""Flow logs keep what they were made with.

MiniStack 1.5.33 forgets a flow log's role, interval and format and files its tags under a
name that AWS does not use, so that every second plan replaces it. No traffic is recorded.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {"_create_flow_logs": "8882a038ef8e", "_describe_flow_logs": "f05c0ab7a201"}

DEFAULT_FORMAT = " ".join(
    f"${{{field}}}"
    for field in (
        "version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport",
        "protocol", "packets", "bytes", "start", "end", "action", "log-status",
    )
)  # fmt: skip
DEFAULT_INTERVAL = "600"

# Members of FlowLog: how they are stored and what the answer calls them.
FIELDS = {
    "FlowLogId": "flowLogId",
    "ResourceId": "resourceId",
    "TrafficType": "trafficType",
    "LogDestinationType": "logDestinationType",
    "LogDestination": "logDestination",
    "LogGroupName": "logGroupName",
    "LogFormat": "logFormat",
    "MaxAggregationInterval": "maxAggregationInterval",
    "DeliverLogsPermissionArn": "deliverLogsPermissionArn",
    "DeliverCrossAccountRole": "deliverCrossAccountRole",
    "DeliverLogsStatus": "deliverLogsStatus",
    "FlowLogStatus": "flowLogStatus",
    "CreationTime": "creationTime",
}
FILTERS = {
    "deliver-log-status": "DeliverLogsStatus",
    "flow-log-id": "FlowLogId",
    "log-destination-type": "LogDestinationType",
    "log-group-name": "LogGroupName",
    "resource-id": "ResourceId",
    "traffic-type": "TrafficType",
}


def details(given: dict[str, str]) -> dict[str, str]:
    """Return what AWS keeps of a request besides what the emulator does, from its parameters."""
    kept = {
        "LogFormat": given.get("LogFormat") or DEFAULT_FORMAT,
        "MaxAggregationInterval": given.get("MaxAggregationInterval") or DEFAULT_INTERVAL,
        "DeliverLogsStatus": "SUCCESS",
    }
    for name in ("DeliverLogsPermissionArn", "DeliverCrossAccountRole", "LogGroupName"):
        if given.get(name):
            kept[name] = given[name]
    destination = given.get("LogDestination", "")
    if ":log-group:" in destination:
        kept["LogGroupName"] = destination.split(":log-group:", 1)[1].removesuffix(":*")
    return kept


def describe(log: dict[str, Any], tags: str) -> str:
    """Return a flow log as the XML of one item; `tags` is the XML of its tags."""
    fields = "".join(
        f"<{element}>{escape(str(log[name]))}</{element}>"
        for name, element in FIELDS.items()
        if log.get(name)
    )
    return f"<item>{fields}{tags}</item>"


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend flow logs. Raises MendError if it is another emulator."""
    from ministack.services import ec2

    expect(ec2, EXPECTED)
    ec2._ACTION_MAP["CreateFlowLogs"] = _creating(ec2)
    ec2._ACTION_MAP["DescribeFlowLogs"] = _describing(ec2)


def _creating(ec2: Any) -> Any:
    original = ec2._create_flow_logs

    def create(parameters: dict[str, Any]) -> Any:
        before = set(ec2._flow_logs)
        answer = original(parameters)
        kept = details({name: ec2._p(parameters, name) for name in parameters})
        for identifier in set(ec2._flow_logs) - before:
            ec2._flow_logs[identifier].update(kept)
            ec2._parse_tag_specs(parameters, "vpc-flow-log", identifier)
        return answer

    return create


def _describing(ec2: Any) -> Any:
    def matches(log: dict[str, Any], ids: list[str], filters: dict[str, list[str]]) -> bool:
        if ids and log["FlowLogId"] not in ids:
            return False
        if not ec2._resource_matches_tag_filters(log["FlowLogId"], filters):
            return False
        wanted = ((FILTERS[name], values) for name, values in filters.items() if name in FILTERS)
        return all(log.get(field) in values for field, values in wanted)

    def answer(parameters: dict[str, Any]) -> Any:
        ids = ec2._parse_member_list(parameters, "FlowLogId")
        filters = ec2._parse_filters(parameters)
        items = "".join(
            describe(log, ec2._tag_set_xml(log["FlowLogId"]))
            for log in ec2._flow_logs.values()
            if matches(log, ids, filters)
        )
        return ec2._xml(200, "DescribeFlowLogsResponse", f"<flowLogSet>{items}</flowLogSet>")

    return answer
