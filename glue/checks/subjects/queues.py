"""Nothing waits for ever, and nothing is lost: queues, their dead letters and their alarms."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "queues"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"
NAMESPACE, DEAD_METRIC, AGE_METRIC = (
    "AWS/SQS", "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage",
)  # fmt: skip

REDRIVE = Check(
    NAME, "queue-redrive", "critical",
    "what fails again and again goes to a queue of dead letters that exists",
    "put the queue's redrive policy back: " + PLAN,
)  # fmt: skip
KEPT = Check(
    NAME, "queue-dead-letters-kept", "medium",
    "dead letters are kept longer than messages wait: their clock starts at the first sending",
    "raise the dead letters' retention to 14 days: " + PLAN,
)  # fmt: skip
DEAD_ALARM = Check(
    NAME, "queue-dead-letter-alarm", "high",
    "an alarm with an action watches the number of dead letters", PLAN,
)  # fmt: skip
AGE_ALARM = Check(
    NAME,
    "queue-age-alarm",
    "high",
    "an alarm with an action watches the oldest message's age",
    PLAN,
)
EMPTY = Check(
    NAME, "dead-letters-empty", "high", "no dead letter waits for somebody to look at it",
    "read why in the consumer's log; mend it; then put them back: "
    "`aws sqs start-message-move-task --source-arn …`",
)  # fmt: skip
AGE = Check(
    NAME, "queue-oldest-message", "high",
    "the oldest message is younger than the threshold of the alarm about it",
    "see whether the consumer fails or is throttled: its log, its alarms, its event source",
    "CloudWatch metrics of functions",
)  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask every queue; one that others send their dead letters to is asked as such."""
    queues = inventory.queues(context)
    redrives = {
        name: json.loads(q["RedrivePolicy"]) for name, q in queues.items() if "RedrivePolicy" in q
    }
    targets = {str(r["deadLetterTargetArn"]).rpartition(":")[2] for r in redrives.values()}
    # Only a queue for dead letters says who may send its dead letters there.
    dead = {name for name, q in queues.items() if name in targets or "RedriveAllowPolicy" in q}
    living = [name for name in queues if name not in dead]

    def redrive(name: str) -> Finding:
        policy = redrives.get(name)
        if policy is None:
            return Finding(False, "no redrive policy")
        target = str(policy["deadLetterTargetArn"]).rpartition(":")[2]
        text = f"after {policy['maxReceiveCount']} attempts to {target}"
        return Finding(target in queues, text + ("" if target in queues else ", which is missing"))

    def kept(name: str) -> Finding | None:
        target = str(redrives.get(name, {}).get("deadLetterTargetArn", "")).rpartition(":")[2]
        if target not in queues:
            return None
        mine, theirs = (int(queues[q]["MessageRetentionPeriod"]) for q in (name, target))
        return Finding(theirs > mine, f"{theirs // 86400} days, messages {mine // 86400} days")

    def empty(name: str) -> Finding:
        parts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        count = sum(int(queues[name].get(part, 0)) for part in parts)
        return Finding(count == 0, f"{count} dead letters")

    yield from REDRIVE.each(context, living, redrive)
    yield from KEPT.each(context, living, kept)
    yield from AGE_ALARM.each(context, living, lambda name: _alarm(context, name, AGE_METRIC))
    yield from AGE.each(context, living, lambda name: _age(context, name))
    yield from DEAD_ALARM.each(
        context, sorted(dead), lambda name: _alarm(context, name, DEAD_METRIC)
    )
    yield from EMPTY.each(context, sorted(dead), empty)


def _watching(context: Context, queue: str, metric: str) -> list[dict[str, Any]]:
    wanted = [{"Name": "QueueName", "Value": queue}]
    return [
        alarm
        for alarm in inventory.alarms(context).values()
        if alarm.get("Namespace") == NAMESPACE
        and alarm.get("MetricName") == metric
        and alarm.get("Dimensions") == wanted
    ]


def _alarm(context: Context, queue: str, metric: str) -> Finding:
    found = _watching(context, queue, metric)
    acting = [a["AlarmName"] for a in found if a.get("AlarmActions") and a.get("ActionsEnabled")]
    if acting:
        return Finding(True, ", ".join(acting))
    return Finding(False, f"{found[0]['AlarmName']} without an action" if found else "no alarm")


def _age(context: Context, queue: str) -> Finding | None:
    alarms = _watching(context, queue, AGE_METRIC)
    if not alarms:
        return None
    limit, now = min(alarm["Threshold"] for alarm in alarms), context.now()
    answer = context.aws("cloudwatch").get_metric_data(
        MetricDataQueries=[{
            "Id": "age",
            "MetricStat": {
                "Metric": {
                    "Namespace": NAMESPACE,
                    "MetricName": AGE_METRIC,
                    "Dimensions": [{"Name": "QueueName", "Value": queue}],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        }],
        StartTime=now - timedelta(minutes=10),
        EndTime=now,
        ScanBy="TimestampDescending",
    )  # fmt: skip
    result = answer["MetricDataResults"][0] if answer["MetricDataResults"] else {}
    seen = dict(zip(result.get("Timestamps", []), result.get("Values", []), strict=True))
    if not seen:
        return Finding(True, "no message has waited")
    age = seen[max(seen)]
    return Finding(age <= limit, f"{age:.0f} s, threshold {limit:.0f} s")


SUBJECT = Subject(
    NAME, "Queues: dead letters, alarms, and whether anything waits.", ask,
    (REDRIVE, KEPT, AGE_ALARM, AGE, DEAD_ALARM, EMPTY),
)  # fmt: skip
