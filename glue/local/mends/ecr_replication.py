"""Replication of a container registry: one setting per account and region, as on AWS.

MiniStack 1.5.33 answers DescribeRegistry as if nothing were ever replicated and does not know
PutReplicationConfiguration, so a registry with copies in other regions cannot be applied. Here
the setting is checked, kept with the emulator's state and described. **Images are not copied.**
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import copy
import functools
import json
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

    Answer = tuple[int, dict[str, str], bytes]

EXPECTED = {
    "handle_request": "492f992e404d",
    "_describe_registry": "37ac9cb1cf17",
    "get_state": "c03149ebc9ae",
    "load_persisted_state": "6f58d9dc1e6e",
    "_restore_state": "b65dea2177d6",
    "reset": "f58ce1ebc581",
}
ACTION = "PutReplicationConfiguration"
STATE_KEY = "replication_configurations"
SETTING = "replication"  # the one key of the store in each account and region
MOST_RULES, MOST_DESTINATIONS, MOST_FILTERS = 10, 25, 100


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Add the setting to the emulator. Raises MendError if it is another emulator."""
    from ministack.services import ecr

    expect(ecr, EXPECTED)
    kept = ecr.AccountRegionScopedDict()
    ecr._describe_registry = functools.partial(_describe, ecr, kept)
    ecr.handle_request = _with_put(ecr, kept)
    _keep(ecr, kept)


def _describe(ecr: Any, kept: Any, data: dict[str, Any]) -> Answer:  # noqa: ARG001 - has no input
    found = kept.get(SETTING) or {"rules": []}
    return _answer({"registryId": ecr.get_account_id(), "replicationConfiguration": found})


def _put(ecr: Any, kept: Any, body: bytes) -> Answer:
    try:
        wanted = json.loads(body or b"{}").get("replicationConfiguration") or {}
    except json.JSONDecodeError:
        return _refused(ecr, "SerializationException", "not JSON")
    if problem := problem_of(wanted, ecr.get_account_id(), ecr.get_region()):
        return _refused(ecr, "InvalidParameterException", problem)
    if wanted["rules"]:
        kept[SETTING] = wanted
    else:
        kept.pop(SETTING, None)
    return _answer({"replicationConfiguration": wanted})


def _with_put(ecr: Any, kept: Any) -> Any:
    """Return the handler of requests with one action more."""
    original = ecr.handle_request

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        if headers.get("x-amz-target", "").endswith(f".{ACTION}"):
            return _put(ecr, kept, body)
        return await original(method, path, headers, body, query)

    return handle


def _keep(ecr: Any, kept: Any) -> None:
    """Save, restore and reset the setting together with the service's other state."""
    get_state, restore, reset = ecr.get_state, ecr._restore_state, ecr.reset

    def get_all() -> dict[str, Any]:
        return {**get_state(), STATE_KEY: copy.deepcopy(kept)}

    def restore_all(data: dict[str, Any] | None) -> None:
        restore(data)
        if data and STATE_KEY in data:
            kept.update(data[STATE_KEY])

    def reset_all() -> None:
        reset()
        kept.clear()

    ecr.get_state, ecr._restore_state, ecr.reset = get_all, restore_all, reset_all


def problem_of(configuration: dict[str, Any], account: str, region: str) -> str | None:
    """Return what AWS would find wrong with a replication configuration; None when it is good."""
    rules = configuration.get("rules")
    if not isinstance(rules, list) or len(rules) > MOST_RULES:
        return f"A replication configuration has at most {MOST_RULES} rules"
    for rule in rules:
        destinations, filters = rule.get("destinations"), rule.get("repositoryFilters", [])
        if not destinations or len(destinations) > MOST_DESTINATIONS:
            return f"A rule has 1 to {MOST_DESTINATIONS} destinations"
        if len(filters) > MOST_FILTERS:
            return f"A rule has at most {MOST_FILTERS} repository filters"
        if any(not f.get("filter") or f.get("filterType") != "PREFIX_MATCH" for f in filters):
            return "A repository filter needs filter, and filterType PREFIX_MATCH"
        if {"region": region, "registryId": account} in destinations:
            return "The source registry cannot be a destination of its own images"
    return None


def _refused(ecr: Any, code: str, message: str) -> Answer:
    """Return an error of ECR's protocol."""
    answer: Answer = ecr.error_response_json(code, message, 400)
    return answer


def _answer(content: dict[str, Any]) -> Answer:
    """Return a good answer of ECR's protocol."""
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()
