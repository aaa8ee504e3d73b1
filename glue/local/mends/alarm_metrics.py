"""Alarms on several metrics: described as they were made; on one of them also evaluated.

MiniStack 1.5.33 forgets what an alarm's `Metrics` say and puts a statistic and a period in their
place, so that every second plan finds differences. Here they are kept, as on AWS. An alarm that
returns one metric is evaluated like any other; one that returns a calculation stays as it is.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OK = 200
EXPECTED = {"_cbor_alarm": "ec28c3322b0b", "_p": "4fea18546662"}

QUERY = re.compile(r"Metrics\.member\.(\d+)\.(.+)")
DIMENSION = re.compile(r"MetricStat\.Metric\.Dimensions\.member\.(\d+)\.(Name|Value)")
TEXTS = ("Id", "Expression", "Label", "AccountId")
OUTCOME = ("StateValue", "StateReason", "StateUpdatedTimestamp", "StateTransitionedTimestamp")

Query = dict[str, Any]


def queries_of(parameters: Mapping[str, Any]) -> list[Query]:
    """Return the `Metrics` of a request in the query protocol as the other protocols have them."""
    members: dict[int, dict[str, str]] = {}
    for name, values in parameters.items():
        if found := QUERY.fullmatch(name):
            value = values[0] if isinstance(values, list) else values
            members.setdefault(int(found[1]), {})[found[2]] = str(value)
    return [_query(members[number]) for number in sorted(members)]


def _query(given: Mapping[str, str]) -> Query:
    query: Query = {name: given[name] for name in TEXTS if name in given}
    query["ReturnData"] = given.get("ReturnData", "true") != "false"
    if "Period" in given:
        query["Period"] = int(given["Period"])
    if "MetricStat.Stat" in given:
        dimensions: dict[int, dict[str, str]] = {}
        for name, value in given.items():
            if found := DIMENSION.fullmatch(name):
                dimensions.setdefault(int(found[1]), {})[found[2]] = value
        metric: Query = {
            "Namespace": given["MetricStat.Metric.Namespace"],
            "MetricName": given["MetricStat.Metric.MetricName"],
            "Dimensions": [dimensions[number] for number in sorted(dimensions)],
        }
        stat: Query = {"Metric": metric, "Stat": given["MetricStat.Stat"]}
        stat["Period"] = int(given["MetricStat.Period"])
        if "MetricStat.Unit" in given:
            stat["Unit"] = given["MetricStat.Unit"]
        query["MetricStat"] = stat
    return query


def element(name: str, value: Any) -> str:
    """Return a value as XML of the query protocol: texts, numbers, records and lists of them."""
    if isinstance(value, dict):
        return f"<{name}>{''.join(element(key, one) for key, one in value.items())}</{name}>"
    if isinstance(value, list):
        return f"<{name}>{''.join(element('member', one) for one in value)}</{name}>"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(text)}</{name}>"


def as_one_metric(alarm: Query) -> Query | None:
    """Return an alarm as if it were made on the one metric that it returns; None for another."""
    returned = [one for one in alarm["Metrics"] if one.get("ReturnData", True)]
    if len(returned) != 1 or "MetricStat" not in returned[0]:
        return None
    stat = returned[0]["MetricStat"]
    return {
        **alarm, **stat["Metric"],
        "Statistic": stat["Stat"], "Period": int(stat["Period"]), "Unit": stat.get("Unit"),
    }  # fmt: skip


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend alarms on several metrics. Raises MendError if it is another emulator."""
    from ministack.services import cloudwatch

    from glue.local.mends import alarms

    expect(cloudwatch, EXPECTED)
    cloudwatch._put_metric_alarm = _putting(cloudwatch, cloudwatch._put_metric_alarm)
    cloudwatch._evaluate_alarm = _evaluating(cloudwatch._evaluate_alarm)
    alarms.describe = _describing(alarms.describe)


def _putting(cloudwatch: Any, original: Any) -> Any:
    def put(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        answer = original(params, data, is_cbor, is_json)
        in_body = is_cbor or is_json
        queries = (data.get("Metrics") or []) if in_body else queries_of(params)
        if answer[0] == OK and queries:
            name = data["AlarmName"] if in_body else cloudwatch._p(params, "AlarmName")
            alarm = cloudwatch._alarms[name]
            for only_of_one in ("Statistic", "Period", "Dimensions"):
                alarm.pop(only_of_one, None)
            alarm["Metrics"] = [{"ReturnData": True, **one} for one in queries]
        return answer

    return put


def _describing(original: Any) -> Any:
    def describe(alarm: Query) -> str:
        text: str = original(alarm)
        if "Metrics" not in alarm:
            return text
        return f"{text.removesuffix('</member>')}{element('Metrics', alarm['Metrics'])}</member>"

    return describe


def _evaluating(original: Any) -> Any:
    def evaluate(alarm: Query) -> None:
        if "Metrics" not in alarm:
            original(alarm)
        elif one := as_one_metric(alarm):
            original(one)
            alarm.update({name: one[name] for name in OUTCOME if name in one})

    return evaluate
