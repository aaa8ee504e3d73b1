"""CloudWatch alarms: described as they were made, and evaluated as AWS evaluates them.

MiniStack 1.5.33 answers the query protocol, which Terraform's provider speaks, with a
handful of an alarm's fields, so that every second plan finds differences; it forgets
InsufficientDataActions on the way in. It evaluates an alarm over every metric of that name
whatever its dimensions, so one queue's messages set off another queue's alarm; it takes all
periods together, knows nothing of missing data, and looks only when a metric is put, so an
alarm never goes back to OK by itself.

Here a request's parameters are read whole and an alarm is described with all its fields.
Evaluation looks at the alarm's own dimensions, period by period, with DatapointsToAlarm and
TreatMissingData, and happens every few seconds. Periods end now and not at the full minute:
an alarm goes off sooner than on AWS. Alarms on expressions (`Metrics`) stay as they are.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import asyncio
import json
import re
import time
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

EVALUATE_SECONDS = 2.0
OK = 200

EXPECTED = {
    "_put_metric_alarm": "953a67ff4bb1",
    "_describe_alarms": "ab8f092ff9ae",
    "_describe_alarms_for_metric": "432ea29ba8ab",
    "_evaluate_alarm": "a0b0acd3d432",
    "_evaluate_all_alarms": "f83f88e57f1c",
    "_calc_stats": "889e1bfc89dc",
    "_dispatch_alarm_actions": "fcf47c0d1e6e",
}

BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}

# Members of MetricAlarm that may be described, in no order AWS promises.
TEXT_FIELDS = (
    "AlarmName", "AlarmArn", "AlarmDescription", "StateValue", "StateReason", "MetricName",
    "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit", "EvaluationPeriods",
    "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
)  # fmt: skip
ACTION_FIELDS = ("AlarmActions", "OKActions", "InsufficientDataActions")
TIME_FIELDS = (
    "StateUpdatedTimestamp", "AlarmConfigurationUpdatedTimestamp", "StateTransitionedTimestamp",
)  # fmt: skip

INDEXED = re.compile(r"(\w+)\.member\.(\d+)(?:\.(\w+))?")


def unflatten(parameters: dict[str, Any]) -> dict[str, Any]:
    """Turn the query protocol's flat parameters into nested ones: lists and lists of records."""
    nested: dict[str, Any] = {}
    lists: dict[str, dict[int, Any]] = {}
    for name, values in parameters.items():
        value = values[0] if isinstance(values, list) else values
        match = INDEXED.fullmatch(name)
        if match is None:
            nested[name] = value
        elif match[3]:
            lists.setdefault(match[1], {}).setdefault(int(match[2]), {})[match[3]] = value
        else:
            lists.setdefault(match[1], {})[int(match[2])] = value
    for name, members in lists.items():
        nested[name] = [members[index] for index in sorted(members)]
    if "ActionsEnabled" in nested:
        nested["ActionsEnabled"] = nested["ActionsEnabled"] != "false"
    return nested


def _timestamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def describe(alarm: dict[str, Any]) -> str:
    """Return an alarm as the XML of one MetricAlarm."""
    shown = dict(alarm)
    if shown.get("ExtendedStatistic"):
        shown["Statistic"] = None
    parts = [
        f"<{name}>{escape(str(shown[name]))}</{name}>"
        for name in TEXT_FIELDS
        if shown.get(name) not in (None, "")
    ]
    parts += [
        f"<{name}>{_timestamp(shown[name])}</{name}>" for name in TIME_FIELDS if shown.get(name)
    ]
    parts.append(f"<ActionsEnabled>{str(bool(shown['ActionsEnabled'])).lower()}</ActionsEnabled>")
    for name in ACTION_FIELDS:
        members = "".join(f"<member>{escape(arn)}</member>" for arn in shown.get(name) or ())
        parts.append(f"<{name}>{members}</{name}>")
    dimensions = "".join(
        f"<member><Name>{escape(d['Name'])}</Name><Value>{escape(d['Value'])}</Value></member>"
        for d in shown.get("Dimensions") or ()
    )
    parts.append(f"<Dimensions>{dimensions}</Dimensions>")
    return f"<member>{''.join(parts)}</member>"


def period_values(
    points: Sequence[dict[str, Any]],
    period: float,
    count: int,
    now: float,
    statistic: Callable[[list[dict[str, Any]]], float | None],
) -> list[float | None]:
    """Return the statistic of each of the last `count` periods, the newest first.

    A period without points gives None.
    """
    values: list[float | None] = []
    for index in range(count):
        end = now - index * period
        inside = [p for p in points if end - period < p["Timestamp"] <= end]
        values.append(statistic(inside) if inside else None)
    return values


def judge(
    values: list[float | None],
    breaches: Callable[[float], bool],
    needed: int,
    missing: str,
    state: str,
) -> str:
    """Return the state of an alarm whose periods have these values.

    `needed` breaching periods make an ALARM; `missing` is TreatMissingData; `state` is the
    state so far, which `ignore` keeps.
    """
    known = [breaches(value) for value in values if value is not None]
    absent = len(values) - len(known)
    if not known and missing == "missing":
        return "INSUFFICIENT_DATA"
    if not known and missing == "ignore":
        return state
    breaching = sum(known) + (absent if missing == "breaching" else 0)
    return "ALARM" if breaching >= needed else "OK"


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend alarms. Raises MendError if it is another emulator."""
    from ministack.services import cloudwatch

    expect(cloudwatch, EXPECTED)
    cloudwatch._put_metric_alarm = _putting_whole(cloudwatch)
    cloudwatch._describe_alarms = _describing_whole(
        cloudwatch, cloudwatch._describe_alarms, "DescribeAlarms"
    )
    cloudwatch._describe_alarms_for_metric = _describing_whole(
        cloudwatch,
        cloudwatch._describe_alarms_for_metric,
        "DescribeAlarmsForMetric",
    )
    cloudwatch._evaluate_alarm = _evaluating(cloudwatch)


def _putting_whole(cloudwatch: Any) -> Any:
    original = cloudwatch._put_metric_alarm

    def put(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        if is_cbor or is_json:
            return original(params, data, is_cbor, is_json)
        answer = original({}, unflatten(params), False, True)
        if answer[0] != OK:
            # Once more as it came, for an error in the caller's own protocol.
            return original(params, data, is_cbor, is_json)
        return cloudwatch._xml(OK, "PutMetricAlarmResponse", "")

    return put


def _describing_whole(cloudwatch: Any, original: Any, action: str) -> Any:
    def answered(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        if is_cbor or is_json:
            return original(params, data, is_cbor, is_json)
        status, _, body = original({}, unflatten(params), False, True)
        if status != OK:
            return original(params, data, is_cbor, is_json)
        found = json.loads(body)
        metric = "".join(describe(_with_numbers(cloudwatch, a)) for a in found["MetricAlarms"])
        composite = "".join(
            "<member>"
            + "".join(
                f"<{name}>{escape(str(alarm[name]))}</{name}>"
                for name in ("AlarmName", "AlarmArn", "AlarmRule", "StateValue", "StateReason")
                if alarm.get(name)
            )
            + "</member>"
            for alarm in found.get("CompositeAlarms") or ()
        )
        token = found.get("NextToken")
        inner = f"<MetricAlarms>{metric}</MetricAlarms>"
        inner += f"<CompositeAlarms>{composite}</CompositeAlarms>"
        if token:
            inner += f"<NextToken>{escape(token)}</NextToken>"
        return cloudwatch._xml(OK, f"{action}Response", f"<{action}Result>{inner}</{action}Result>")

    return answered


def _with_numbers(cloudwatch: Any, described: dict[str, Any]) -> dict[str, Any]:
    """Return the stored alarm: the JSON form has its times already written out."""
    stored: dict[str, Any] = cloudwatch._alarms.get(described["AlarmName"]) or described
    return stored


def _evaluating(cloudwatch: Any) -> Any:
    original = cloudwatch._evaluate_alarm

    def evaluate(alarm: dict[str, Any]) -> None:
        breach = BREACHES.get(alarm.get("ComparisonOperator") or "")
        if not alarm.get("MetricName") or breach is None:
            original(alarm)
            return
        dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
        key = (alarm["Namespace"], alarm["MetricName"], dimensions)
        points = cloudwatch._metrics.get(key) or []
        if alarm.get("Unit"):
            points = [p for p in points if p.get("Unit") == alarm["Unit"]]
        name = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"

        def statistic(inside: list[dict[str, Any]]) -> float | None:
            stats = cloudwatch._calc_stats(inside)
            if not stats:
                return None
            value: float | None = cloudwatch._stat_value(stats, name, inside)
            return value

        periods = alarm.get("EvaluationPeriods") or 1
        threshold = alarm.get("Threshold") or 0.0
        values = period_values(points, alarm.get("Period") or 60, periods, time.time(), statistic)
        old = alarm["StateValue"]
        new = judge(
            values,
            lambda value: breach(value, threshold),
            alarm.get("DatapointsToAlarm") or periods,
            alarm.get("TreatMissingData") or "missing",
            old,
        )
        if new != old:
            _change(cloudwatch, alarm, new, f"{name} of the last {periods} periods: {values}")

    return evaluate


def _change(cloudwatch: Any, alarm: dict[str, Any], new: str, reason: str) -> None:
    """Put an alarm into a new state, as the emulator itself does it, with its actions."""
    old = alarm["StateValue"]
    now = int(time.time())
    alarm.update(
        StateValue=new,
        StateReason=reason,
        StateUpdatedTimestamp=now,
        StateTransitionedTimestamp=now,
    )
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


async def background() -> None:
    """Evaluate every alarm of every account and region, again and again."""
    from ministack.services import cloudwatch

    from glue.local.mends.scope import in_scope

    while True:
        await asyncio.sleep(EVALUATE_SECONDS)
        for account, region, name in list(cloudwatch._alarms._data):
            with in_scope(account, region):
                alarm = cloudwatch._alarms.get(name)
                if alarm is not None:
                    cloudwatch._evaluate_alarm(alarm)
