"""Functions: ready, on a living runtime, with room to run, and nothing they fail at is lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from glue.aws import error_code
from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject
from glue.checks.runtimes import DEPRECATED_ON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "functions"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"
WARNING = timedelta(days=90)

READY = Check(
    NAME, "function-ready", "critical", "active, and its last update succeeded",
    "see the reason; for a failed update apply again: " + PLAN,
)  # fmt: skip
RUNTIME = Check(
    NAME, "function-runtime", "medium", "a runtime that AWS still patches in 90 days",
    "build the packages for a newer Python (`glue deploy package`), then plan and apply",
    "Lambda code",
)  # fmt: skip
PACKAGE = Check(
    NAME, "function-package", "high",
    "all functions whose code is ours run the same package and the same layers",
    "apply again: an apply has stopped half-way, or somebody changed code by hand",
)  # fmt: skip
CONCURRENCY = Check(
    NAME, "function-concurrency", "high",
    "its reserved concurrency, if it has one, lets it run", "raise it above 0: " + PLAN,
)  # fmt: skip
FAILURES = Check(
    NAME, "function-failures", "high",
    "what it fails at is kept or told: a queue it reads has dead letters; else it has a "
    "dead-letter queue, a destination on failure, or an alarm on errors with an action",
    PLAN,
)  # fmt: skip
SOURCE = Check(
    NAME, "function-event-source", "critical",
    "enabled, and tells single failures of a batch (ReportBatchItemFailures)",
    "enable the event source mapping (`aws lambda update-event-source-mapping --enabled`), or "
    + PLAN,
)  # fmt: skip
VISIBILITY = Check(
    NAME, "function-queue-visibility", "medium",
    "its queue hides a message for at least six times the function's timeout", PLAN,
)  # fmt: skip
SCHEDULE = Check(
    NAME, "function-schedule", "high", "the rule that starts it is enabled",
    "enable it (`aws events enable-rule`), or " + PLAN,
)  # fmt: skip
ENABLED = {"Enabled", "Enabling", "Updating", "Creating"}


def ask(context: Context) -> Iterator[Result]:
    """Ask every function, its queues and its schedules."""
    functions = inventory.functions(context)
    sources = _sources(context, functions)
    schedules = _schedules(context)
    yield from READY.each(context, functions, _ready)
    yield from RUNTIME.each(context, functions, lambda found: _runtime(context, found))
    ours = {n: f for n, f in functions.items() if f.get("Handler", "").startswith("lambdas.")}
    if ours:
        yield from PACKAGE.each(context, {"": ours}, _package)
    yield from CONCURRENCY.each(context, list(functions), lambda name: _concurrency(context, name))
    yield from FAILURES.each(
        context, functions, lambda found: _failures(context, found, sources, schedules)
    )
    yield from SOURCE.each(context, {_named(one): one for one in sources}, _source)
    yield from VISIBILITY.each(
        context,
        {_named(one): one for one in sources if ":sqs:" in one.get("EventSourceArn", "")},
        lambda one: _visibility(context, functions, one),
    )
    yield from SCHEDULE.each(
        context, schedules, lambda rule: Finding(rule["State"] == "ENABLED", rule["State"])
    )


def _ready(found: dict[str, Any]) -> Finding:
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    # An idle function is one that AWS wakes at the next call.
    is_good = state in {"Active", "Inactive"} and update == "Successful"
    reasons = (found.get("StateReason"), found.get("LastUpdateStatusReason"))
    said = ": ".join([f"{state}, update {update}", *filter(None, reasons)])
    return Finding(is_good, f"{said}, last modified {found.get('LastModified')}")


def _runtime(context: Context, found: dict[str, Any]) -> Finding | None:
    runtime = found.get("Runtime")
    if not runtime:  # an image brings its own
        return None
    end = DEPRECATED_ON.get(runtime)
    if end is None:
        return Finding(False, f"{runtime}, of which nobody here knows how long it is patched")
    return Finding(context.now().date() + WARNING < end, f"{runtime}, patched until {end}")


def _package(functions: dict[str, dict[str, Any]]) -> Finding:
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, found in functions.items():
        layers = sorted(layer["Arn"] for layer in found.get("Layers", []))
        groups.setdefault((found["CodeSha256"], *layers), []).append(name)
    newest = max(functions.values(), key=lambda found: _time(found["LastModified"]))
    if len(groups) == 1:
        return Finding(True, f"one package, last modified {newest['LastModified']}")
    odd = min(groups.values(), key=len)
    return Finding(False, f"{len(groups)} packages; apart from the others: {', '.join(odd)}")


def _concurrency(context: Context, name: str) -> Finding:
    answer = context.aws("lambda").get_function_concurrency(FunctionName=name)
    reserved = answer.get("ReservedConcurrentExecutions")
    if reserved is None:
        return Finding(True, "shares the account's")
    return Finding(
        reserved > 0, f"{reserved} reserved" if reserved else "0 reserved: it is stopped"
    )


def _failures(
    context: Context,
    found: dict[str, Any],
    sources: list[dict[str, Any]],
    schedules: dict[str, dict[str, Any]],
) -> Finding:
    name = found["FunctionName"]
    read = [one["EventSourceArn"].rpartition(":")[2] for one in sources if _function(one) == name]
    queues = inventory.queues(context)
    bare = [q for q in read if q in queues and "RedrivePolicy" not in queues[q]]
    if bare:
        return Finding(False, f"reads {', '.join(bare)}, which has no dead letters")
    if read:
        return Finding(True, f"dead letters of {', '.join(read)}")
    ways = [str(found["DeadLetterConfig"]["TargetArn"])] if found.get("DeadLetterConfig") else []
    if destination := _destination(context, name):
        ways.append(destination)
    ways += [
        f"alarm {alarm['AlarmName']}"
        for alarm in inventory.alarms(context).values()
        if alarm.get("MetricName") == "Errors"
        and alarm.get("Dimensions") == [{"Name": "FunctionName", "Value": name}]
        and alarm.get("AlarmActions")
        and alarm.get("ActionsEnabled")
    ]
    kind = "scheduled" if name in schedules else "called"
    return Finding(bool(ways), f"{kind}; {', '.join(ways) or 'nobody is told'}")


def _destination(context: Context, name: str) -> str | None:
    try:
        answer = context.aws("lambda").get_function_event_invoke_config(FunctionName=name)
    except Exception as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return None
    target: str | None = answer.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return target


def _source(one: dict[str, Any]) -> Finding:
    reports = "ReportBatchItemFailures" in (one.get("FunctionResponseTypes") or [])
    found = f"{one['State']}, {'single failures' if reports else 'whole batches'} come back"
    return Finding(one["State"] in ENABLED and reports, found)


def _visibility(
    context: Context, functions: dict[str, dict[str, Any]], one: dict[str, Any]
) -> Finding | None:
    queue = inventory.queues(context).get(one["EventSourceArn"].rpartition(":")[2])
    function = functions.get(_function(one))
    if queue is None or function is None:
        return None
    hidden, timeout = int(queue["VisibilityTimeout"]), int(function["Timeout"])
    return Finding(hidden >= 6 * timeout, f"hidden {hidden} s, timeout {timeout} s")


def _sources(context: Context, functions: dict[str, Any]) -> list[dict[str, Any]]:
    every = inventory.pages(
        context.aws("lambda"), "list_event_source_mappings", "EventSourceMappings"
    )
    return [one for one in every if _function(one) in functions]


def _schedules(context: Context) -> dict[str, dict[str, Any]]:
    """Return the environment's EventBridge rules with a schedule, by name."""
    client = context.aws("events")
    names = [arn.rpartition("/")[2] for arn in inventory.tagged(context, "events:rule/")]
    rules = {name: client.describe_rule(Name=name) for name in names}
    return {name: rule for name, rule in rules.items() if rule.get("ScheduleExpression")}


def _function(mapping: dict[str, Any]) -> str:
    return str(mapping["FunctionArn"]).split(":")[6]


def _named(mapping: dict[str, Any]) -> str:
    source = str(mapping.get("EventSourceArn", mapping["UUID"]))
    return f"{_function(mapping)}/{source.rpartition(':')[2]}"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


SUBJECT = Subject(
    NAME, "Functions: state, runtime, package, concurrency, failures, sources, schedules.", ask,
    (READY, RUNTIME, PACKAGE, CONCURRENCY, FAILURES, SOURCE, VISIBILITY, SCHEDULE),
)  # fmt: skip
