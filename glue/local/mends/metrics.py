"""The metrics AWS makes by itself: from embedded log lines, queues and functions.

On AWS a log event that is a JSON object with `_aws.CloudWatchMetrics` becomes metrics
(embedded metric format: what Powertools prints); every queue reports the number of its
messages and the age of the oldest; every invocation of a function counts, whoever made it.
MiniStack 1.5.33 keeps the log line as text, reports nothing of queues, and counts only
those invocations that come through the Invoke API.

Queues are looked at every few seconds, and keep one point a minute with the highest value
seen in it, so the store does not grow faster than on AWS.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LOOK_SECONDS = 2.0
MINUTE = 60

EXPECTED_LOGS = {"_append_log_events": "e47cae7a15a4"}
EXPECTED_LAMBDA = {
    "_emit_lambda_metrics": "3b6689d77cf6",
    "_execute_function_dispatch": "f62cd259213e",
}
EXPECTED_CLOUDWATCH = {
    "_store_datum": "e0194e701d56",
    "_metric_bucket": "be62c5f1548d",
    "record_metric": "7f777bfbe523",
}


def embedded(line: str) -> Iterator[tuple[str, str, dict[str, str], str, list[float], float]]:
    """Yield the metrics embedded in a log line.

    Each is (namespace, name, dimensions, unit, values, seconds since 1970). A line that is
    not in the embedded metric format yields nothing; nor do single metrics that are broken,
    as on AWS.
    """
    if '"_aws"' not in line:
        return
    try:
        record = json.loads(line[line.index("{") :])
        metadata = record["_aws"]
        directives = metadata["CloudWatchMetrics"]
        seconds = float(metadata["Timestamp"]) / 1000
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    for directive in directives if isinstance(directives, list) else ():
        yield from _of_directive(record, directive, seconds)


def _of_directive(
    record: dict[str, Any], directive: dict[str, Any], seconds: float
) -> Iterator[tuple[str, str, dict[str, str], str, list[float], float]]:
    for names in directive.get("Dimensions") or [[]]:
        if any(name not in record for name in names):
            continue
        dimensions = {name: str(record[name]) for name in names}
        for metric in directive.get("Metrics") or ():
            value = record.get(metric.get("Name"))
            values: list[Any] = value if isinstance(value, list) else [value]
            if not values or not all(_is_number(v) for v in values):
                continue
            yield (
                directive.get("Namespace", ""), metric["Name"], dimensions,
                metric.get("Unit", "None"), [float(v) for v in values], seconds,
            )  # fmt: skip


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def queue_facts(messages: Iterable[dict[str, Any]], now: float) -> dict[str, tuple[float, str]]:
    """Return a queue's metrics by name, each with its unit."""
    visible = hidden = delayed = 0
    oldest = 0.0
    for message in messages:
        if message.get("visible_at", 0) <= now:
            visible += 1
        elif message.get("receive_count"):
            hidden += 1
        else:
            delayed += 1
        oldest = max(oldest, now - message.get("sent_at", now))
    return {
        "ApproximateNumberOfMessagesVisible": (visible, "Count"),
        "ApproximateNumberOfMessagesNotVisible": (hidden, "Count"),
        "ApproximateNumberOfMessagesDelayed": (delayed, "Count"),
        "ApproximateAgeOfOldestMessage": (oldest, "Seconds"),
    }


def keep_highest(points: list[dict[str, Any]], point: dict[str, Any]) -> None:
    """Add a point, or raise the last one if it belongs to the same minute."""
    last = points[-1] if points else None
    if last is None or last["Timestamp"] // MINUTE != point["Timestamp"] // MINUTE:
        points.append(point)
    else:
        last["Timestamp"] = point["Timestamp"]
        last["Value"] = max(last["Value"], point["Value"])


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend the sources of metrics. Raises MendError if it is another emulator."""
    from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc

    expect(cloudwatch_logs, EXPECTED_LOGS)
    expect(lambda_svc, EXPECTED_LAMBDA)
    expect(cloudwatch, EXPECTED_CLOUDWATCH)
    _read_embedded(cloudwatch, cloudwatch_logs)
    _count_every_invocation(lambda_svc)


def _read_embedded(cloudwatch: Any, cloudwatch_logs: Any) -> None:
    append = cloudwatch_logs._append_log_events

    def append_and_read(stream: Any, events: list[dict[str, Any]]) -> None:
        append(stream, events)
        for event in events:
            found = embedded(event.get("message", ""))
            for namespace, name, dimensions, unit, values, seconds in found:
                cloudwatch._store_datum(
                    namespace, name, dimensions, seconds, unit, None, values, None, None
                )

    cloudwatch_logs._append_log_events = append_and_read


def _count_every_invocation(lambda_svc: Any) -> None:
    emit, dispatch = lambda_svc._emit_lambda_metrics, lambda_svc._execute_function_dispatch

    def emit_throttles_only(
        function_name: str, duration_ms: float, error: bool, throttle: bool
    ) -> None:
        if throttle:
            emit(function_name, duration_ms=duration_ms, error=error, throttle=True)

    def count_and_dispatch(
        func: Any, config: dict[str, Any], event: Any, request_id: str, started: float
    ) -> Any:
        result = dispatch(func, config, event, request_id, started)
        emit(
            config.get("FunctionName", ""),
            duration_ms=max((time.time() - started) * 1000, 0.001),
            error=bool(isinstance(result, dict) and result.get("error")),
            throttle=False,
        )
        return result

    lambda_svc._emit_lambda_metrics = emit_throttles_only
    lambda_svc._execute_function_dispatch = count_and_dispatch


async def background() -> None:
    """Report on every queue of every account and region, again and again."""
    from ministack.services import cloudwatch, sqs

    from glue.local.mends.scope import in_scope

    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = time.time()
        for (account, region, _), queue in list(sqs._queues._data.items()):
            dimensions = {"QueueName": queue["name"]}
            with in_scope(account, region):
                for name, (value, unit) in queue_facts(list(queue["messages"]), now).items():
                    bucket = cloudwatch._metric_bucket(
                        ("AWS/SQS", name, cloudwatch._dims_key(dimensions))
                    )
                    point = {"Timestamp": now, "Value": float(value), "Unit": unit,
                             "Dimensions": dimensions}  # fmt: skip
                    keep_highest(bucket, point)
