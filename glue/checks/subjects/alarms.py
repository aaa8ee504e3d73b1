"""Alarms: there, heard by somebody, and quiet."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "alarms"
# How long a new alarm may be without data before that is a finding.
PATIENCE = timedelta(minutes=15)
BLIND = "INSUFFICIENT_DATA"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"

EXISTS = Check(
    NAME, "alarm-exists", "high", "every alarm of the outputs exists", "make it again: " + PLAN
)
ACTION = Check(
    NAME, "alarm-action", "high", "its actions are switched on, and there is one",
    "switch them on (`aws cloudwatch enable-alarm-actions`), or " + PLAN,
)  # fmt: skip
QUIET = Check(
    NAME, "alarm-quiet", "high",
    "not in ALARM; nor without data where missing data is not taken for good",
    "read the alarm's description, which says where to look",
)  # fmt: skip
SUBSCRIBED = Check(
    NAME, "topic-subscribed", "high",
    "somebody is told: the topic has subscriptions, and each is confirmed",
    "name people in alarms.email_addresses of ENV.tfvars and apply; each confirms AWS's mail",
)  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask every alarm, and the topic they all speak to."""
    alarms = inventory.alarms(context)
    wanted = inventory.output(context, "alarms", "names") or []
    yield from EXISTS.each(
        context, wanted, lambda name: Finding(name in alarms, "there" if name in alarms else "gone")
    )
    yield from ACTION.each(context, alarms, _action)
    # An emulator measures only some of what AWS does: that an alarm has no data says nothing there.
    blind = {
        name
        for name, alarm in alarms.items()
        if context.is_emulated and alarm["StateValue"] == BLIND
    }
    for name in blind:
        yield QUIET.uncovered(context, name, "without data: the local cloud does not measure it")
    yield from QUIET.each(
        context,
        {name: alarm for name, alarm in alarms.items() if name not in blind},
        lambda alarm: _quiet(context, alarm),
    )
    if arn := inventory.output(context, "alarms", "topic_arn"):
        name = arn.rpartition(":")[2]
        if context.is_emulated and not _subscriptions(context, arn):
            yield SUBSCRIBED.uncovered(
                context, name, "nobody subscribes; no mail leaves the local cloud"
            )
        else:
            yield from SUBSCRIBED.each(context, {name: arn}, lambda a: _subscribed(context, a))


def _action(alarm: dict[str, Any]) -> Finding:
    actions = alarm.get("AlarmActions") or []
    if not alarm.get("ActionsEnabled"):
        return Finding(False, "its actions are switched off")
    return Finding(bool(actions), ", ".join(actions) or "no action")


def _quiet(context: Context, alarm: dict[str, Any]) -> Finding:
    state, missing = alarm["StateValue"], alarm.get("TreatMissingData", "missing")
    found = f"{state}: {alarm.get('StateReason', 'no reason given')}"
    if state != BLIND:
        return Finding(state == "OK", found)
    if missing in {"notBreaching", "ignore"} or _is_new(context, alarm):
        return Finding(True, f"{found} (missing data: {missing})")
    return Finding(False, f"{found} (missing data: {missing}): is what it watches there?")


def _is_new(context: Context, alarm: dict[str, Any]) -> bool:
    """Tell whether an alarm may still be waiting for its first data."""
    made = alarm.get("AlarmConfigurationUpdatedTimestamp")
    if made is None:
        return False
    periods = timedelta(seconds=alarm.get("Period", 60) * alarm.get("EvaluationPeriods", 1))
    return bool(context.now() - made < max(PATIENCE, 2 * periods))


def _subscriptions(context: Context, arn: str) -> list[dict[str, Any]]:
    client = context.aws("sns")
    return list(
        inventory.pages(client, "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
    )


def _subscribed(context: Context, arn: str) -> Finding:
    found = _subscriptions(context, arn)
    waiting = [s["Endpoint"] for s in found if not s["SubscriptionArn"].startswith("arn:")]
    if not found or waiting:
        return Finding(False, f"not confirmed: {', '.join(waiting)}" if waiting else "nobody")
    return Finding(True, f"{len(found)} confirmed")


SUBJECT = Subject(NAME, "Alarms: there, heard, quiet.", ask, (EXISTS, ACTION, QUIET, SUBSCRIBED))
