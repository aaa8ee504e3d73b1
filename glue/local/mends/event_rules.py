"""What a rule of EventBridge leaves behind: a metric, and an event in a log group.

On AWS every rule counts the events it matched and the targets it called (AWS/Events,
`TriggeredRules` and `Invocations`), and a log group may be a target. MiniStack 1.5.33 counts
nothing, and gives up on a log group with a warning. What services such as Batch tell through
events alone could so never raise an alarm.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import functools
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {"_invoke_target": "550e304af080", "_dispatch_event": "d1bfe064f602"}
EXPECTED_LOGS = {"_put_log_events": "acd4fda33a38", "_create_log_stream": "99fc231b9677"}
EXPECTED_CLOUDWATCH = {"record_metric": "7f777bfbe523"}


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend rules. Raises MendError if it is another emulator."""
    from ministack.services import cloudwatch, cloudwatch_logs, eventbridge

    expect(eventbridge, EXPECTED)
    expect(cloudwatch_logs, EXPECTED_LOGS)
    expect(cloudwatch, EXPECTED_CLOUDWATCH)
    _invoke_and_count(eventbridge, cloudwatch, cloudwatch_logs)


def group_of(arn: str) -> str | None:
    """Return the name of the log group that a target's ARN names; None for another target."""
    parts = arn.split(":", 6)
    if parts[2:3] != ["logs"] or parts[5:6] != ["log-group"]:
        return None
    return parts[6].removesuffix(":*")


def _invoke_and_count(eventbridge: Any, cloudwatch: Any, cloudwatch_logs: Any) -> None:
    original = eventbridge._invoke_target
    # A rule is triggered once by an event, however many targets it has.
    last: dict[str, Any] = {}

    @functools.wraps(original)
    def invoke(target: dict[str, Any], event: dict[str, Any], rule: Any, view: Any = None) -> None:
        name = rule.get("Name")
        if name and "EventBusName" in rule:  # schedules of the Scheduler come here, too
            dimensions = {"RuleName": name}
            cloudwatch.record_metric("AWS/Events", "Invocations", 1, "Count", dimensions)
            if last.get("event") is not event or last.get("rule") is not rule:
                last.update(event=event, rule=rule)
                cloudwatch.record_metric("AWS/Events", "TriggeredRules", 1, "Count", dimensions)
        group = group_of(target.get("Arn", ""))
        if group is None:
            original(target, event, rule, view)
            return
        # As with every target, it gets the event in the form that rules see.
        shown = (view or eventbridge._pattern_event_view(event)).event_with_detail()
        _write(cloudwatch_logs, group, target.get("Input") or json.dumps(shown))

    eventbridge._invoke_target = invoke


def _write(cloudwatch_logs: Any, group: str, message: str) -> None:
    stream = str(uuid.uuid4())
    place = {"logGroupName": group, "logStreamName": stream}
    status, *_ = cloudwatch_logs._create_log_stream(place)
    if status < 400:  # noqa: PLR2004 - otherwise the group is gone, and the event lost as on AWS
        event = {"timestamp": int(time.time() * 1000), "message": message}
        cloudwatch_logs._put_log_events({**place, "logEvents": [event]})
