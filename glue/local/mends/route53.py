"""Route 53 logs queries on request, and a change is through when it has had time to be.

MiniStack 1.5.33 has no query logging configurations. A change is PENDING for whoever looks
first, however late, so that Terraform, which looks seldom, waits twice for each step; here it
is INSYNC two seconds after it was sent (on AWS within a minute). Saved are the tags of the
first account only; here of all. No query is ever logged, and no health check is ever made.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

from glue.local.mends.guard import expect
from glue.local.mends.scope import in_scope

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {
    "_get_change": "67b0f148d576",
    "get_state": "40fa2ea37c19",
    "handle_request": "c201ac22eafd",
    "load_persisted_state": "6f58d9dc1e6e",
}

OK = 200
CREATED = 201
NOT_FOUND = 404
CONFLICT = 409

PROPAGATION_SECONDS = 2.0
PATH = re.compile(r"/2013-04-01/queryloggingconfig(?:/([^/]+))?/?")
LOG_GROUP = re.compile(r"arn:aws:logs:us-east-1:(\d{12}):log-group:([^:*]+)(?::\*)?")


def is_through(submitted_at: str, now: datetime) -> bool:
    """Tell whether a change sent at that time (ISO 8601) has reached all name servers."""
    sent = datetime.fromisoformat(submitted_at.replace("Z", "+00:00"))
    return (now - sent).total_seconds() >= PROPAGATION_SECONDS


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend Route 53. Raises MendError if it is another emulator."""
    from ministack.services import route53

    expect(route53, EXPECTED)
    route53._get_change = _telling_time(route53)
    route53.handle_request = _with_query_logging(route53)
    route53.get_state = _saving_tags(route53)
    route53.load_persisted_state = _restoring_tags(route53)


def _saving_tags(route53: Any) -> Any:
    original = route53.get_state

    def get() -> dict[str, Any]:
        state: dict[str, Any] = original()
        with route53._lock:
            # As a list: keys of pairs have no form in JSON.
            state["tags_of_accounts"] = [
                [account, kind, identifier, dict(tags)]
                for (account, (kind, identifier)), tags in route53._tags._data.items()
            ]
        return state

    return get


def _restoring_tags(route53: Any) -> Any:
    original = route53.load_persisted_state

    def load(state: dict[str, Any]) -> None:
        original(state)
        for account, kind, identifier, tags in state.get("tags_of_accounts", ()):
            with route53._lock:
                route53._tags._data[(account, (kind, identifier))] = tags

    return load


def _telling_time(route53: Any) -> Any:
    original = route53._get_change

    def get(change_id: str) -> Any:
        with route53._lock:
            change = route53._changes.get(change_id)
            if change is not None:
                through = is_through(change["submitted_at"], datetime.now(UTC))
                change["status"] = "INSYNC" if through else "PENDING"
        answer = original(change_id)
        if change is not None and not through:
            # The original takes one look for enough.
            with route53._lock:
                change["status"] = "PENDING"
        return answer

    return get


def _with_query_logging(route53: Any) -> Any:
    original = route53.handle_request

    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        found = PATH.fullmatch(path)
        if found is None:
            return await original(method, path, headers, body, query)
        identifier = found[1]
        if method == "POST" and identifier is None:
            return _create(route53, body)
        if method == "GET" and identifier is None:
            zone = query.get("hostedzoneid", "")
            return _list(route53, zone[0] if isinstance(zone, list) else zone)
        if method in {"GET", "DELETE"}:
            return _get_or_delete(route53, method, identifier)
        return await original(method, path, headers, body, query)

    return handle


def _configurations(route53: Any) -> list[dict[str, str]]:
    """Return the configurations of all zones; they are kept, and saved, with their zone."""
    return [zone["query_log"] for zone in route53._zones.values() if zone.get("query_log")]


def _describe(parent: Element, configuration: dict[str, str]) -> None:
    element = SubElement(parent, "QueryLoggingConfig")
    for name in ("Id", "HostedZoneId", "CloudWatchLogsLogGroupArn"):
        SubElement(element, name).text = configuration[name]


def _create(route53: Any, body: bytes) -> Any:
    root = route53._parse_body(body)
    zone_id = route53._text(root, "HostedZoneId")
    arn = route53._text(root, "CloudWatchLogsLogGroupArn")
    zone = route53._zones.get(zone_id)
    if zone is None:
        message = f"No hosted zone found with ID: {zone_id}"
        return route53._error_response("NoSuchHostedZone", message, NOT_FOUND)
    if zone.get("private"):
        message = "Query logging is for public hosted zones."
        return route53._error_response("InvalidInput", message)
    if zone.get("query_log"):
        message = f"A query logging configuration already exists for {zone_id}"
        return route53._error_response("QueryLoggingConfigAlreadyExists", message, CONFLICT)
    if not _is_log_group(arn):
        message = f"There is no CloudWatch Logs log group {arn} in us-east-1"
        return route53._error_response("NoSuchCloudWatchLogsLogGroup", message, NOT_FOUND)
    configuration = {
        "Id": route53.new_uuid(),
        "HostedZoneId": zone_id,
        "CloudWatchLogsLogGroupArn": arn,
    }
    zone["query_log"] = configuration
    status, headers, text = route53._xml_response(
        "CreateQueryLoggingConfigResponse", lambda root: _describe(root, configuration), CREATED
    )
    location = f"https://route53.amazonaws.com/2013-04-01/queryloggingconfig/{configuration['Id']}"
    return status, {**headers, "Location": location}, text


def _is_log_group(arn: str) -> bool:
    from ministack.services import cloudwatch_logs

    found = LOG_GROUP.fullmatch(arn)
    if found is None:
        return False
    with in_scope(found[1], "us-east-1"):
        return found[2] in cloudwatch_logs._log_groups


def _list(route53: Any, zone_id: str) -> Any:
    def build(root: Element) -> None:
        element = SubElement(root, "QueryLoggingConfigs")
        for configuration in _configurations(route53):
            if zone_id in {"", configuration["HostedZoneId"]}:
                _describe(element, configuration)

    return route53._xml_response("ListQueryLoggingConfigsResponse", build)


def _get_or_delete(route53: Any, method: str, identifier: str) -> Any:
    configuration = next((c for c in _configurations(route53) if c["Id"] == identifier), None)
    if configuration is None:
        message = f"No query logging configuration found with ID: {identifier}"
        return route53._error_response("NoSuchQueryLoggingConfig", message, NOT_FOUND)
    if method == "DELETE":
        route53._zones[configuration["HostedZoneId"]].pop("query_log")
        return route53._xml_response("DeleteQueryLoggingConfigResponse", lambda _: None, OK)
    return route53._xml_response(
        "GetQueryLoggingConfigResponse", lambda root: _describe(root, configuration)
    )
