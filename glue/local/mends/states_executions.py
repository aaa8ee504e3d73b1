"""Executions of state machines begin and end as on AWS.

MiniStack 1.5.33 refuses to start an execution of a name that runs already, whatever its input,
where AWS answers the one that runs; takes any name and any input; lets an execution that was
stopped go on and end in another state; keeps no limit on the history, nor the machine's own
TimeoutSeconds; counts nothing; and copies executions for the state while they change, which fails
now and then.

What ran when the emulator ended is found FAILED with the error `States.ServiceRestart`
afterwards. On AWS nothing of the kind happens.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import asyncio
import functools
import json
import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXPECTED = {
    "get_state": "7d1a3261edd6",
    "_restore_state": "b94c49c3dd97",
    "_start_execution": "9923282fc76c",
    "_run_execution": "996dff84e0e0",
    "_fail_execution": "e6da895fa0b7",
    "_add_event": "b1db143ccd21",
    "_emit_execution_status_event": "9c89e45693e3",
}
# The metric that counts each change of an execution's status.
COUNTED = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
EXPECTED_CLOUDWATCH = {"record_metric": "7f777bfbe523"}
# What AWS allows in a name: up to 80 characters, no spaces, brackets, wildcards or controls.
NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")
MOST_EVENTS = 25_000
LOOK_SECONDS = 1.0
MOST_INPUT_BYTES = 256 * 1024


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend executions. Raises MendError if it is another emulator."""
    from ministack.services import cloudwatch, stepfunctions

    expect(stepfunctions, EXPECTED)
    expect(cloudwatch, EXPECTED_CLOUDWATCH)
    stepfunctions.get_state = _copying(stepfunctions)
    stepfunctions._start_execution = _starting(stepfunctions, stepfunctions._start_execution)
    stepfunctions._fail_execution = _failing(stepfunctions._fail_execution)
    stepfunctions._add_event = _limited(stepfunctions, stepfunctions._add_event)
    emit = stepfunctions._emit_execution_status_event

    def count_and_emit(execution: dict[str, Any]) -> None:
        metric = COUNTED.get(execution["status"])
        if metric is not None:
            dimensions = {"StateMachineArn": execution["stateMachineArn"]}
            cloudwatch.record_metric("AWS/States", metric, 1, "Count", dimensions)
        emit(execution)

    stepfunctions._emit_execution_status_event = count_and_emit


def refusal(name: str | None, given: str) -> tuple[str, str] | None:
    """Return the error, and its words, by which AWS refuses a name or an input; None if neither."""
    if name is not None and not NAME.fullmatch(name):
        return "InvalidName", f"Invalid Name: '{name}'"
    if len(given.encode()) > MOST_INPUT_BYTES:
        return "InvalidExecutionInput", f"Input is larger than {MOST_INPUT_BYTES} bytes"
    try:
        json.loads(given)
    except ValueError as error:
        return "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'"
    return None


@functools.lru_cache(maxsize=64)
def limit_of(definition: str) -> float | None:
    """Return the seconds that a definition gives an execution, None for as long as it takes."""
    limit = json.loads(definition).get("TimeoutSeconds")
    return float(limit) if isinstance(limit, int | float) else None


def overdue(machine: dict[str, Any] | None, execution: dict[str, Any], now: float) -> bool:
    """Tell whether an execution runs longer than its machine lets it; waits count as they are."""
    if machine is None or execution["status"] != "RUNNING":
        return False
    limit = limit_of(machine["definition"])
    if limit is None:
        return False
    started = datetime.fromisoformat(execution["startDate"].replace("Z", "+00:00"))
    return now - started.timestamp() > limit


async def background() -> None:
    """End the executions that run too long, again and again."""
    from ministack.services import stepfunctions

    from glue.local.mends.scope import in_scope

    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = time.time()
        machines = stepfunctions._state_machines._data
        for (account, region, _), execution in stepfunctions._executions._data.copy().items():
            machine = machines.get((account, region, execution["stateMachineArn"]))
            if overdue(machine, execution, now):
                with in_scope(account, region):
                    execution["status"] = "TIMED_OUT"
                    execution["stopDate"] = stepfunctions.now_iso()
                    stepfunctions._add_event(execution, "ExecutionTimedOut", {})
                    stepfunctions._emit_execution_status_event(execution)


def _starting(stepfunctions: Any, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def start(data: dict[str, Any]) -> Any:
        name, given = data.get("name"), data.get("input", "{}")
        if refused := refusal(name, given):
            return stepfunctions.error_response_json(*refused, 400)
        base = stepfunctions._resolve_state_machine_arn(data.get("stateMachineArn", ""))
        if name is not None and base is not None:
            arn = f"{base.replace(':stateMachine:', ':execution:')}:{name}"
            running = stepfunctions._executions.get(arn)
            is_same = running is not None and running["input"] == given
            if running is not None and is_same and running["status"] == "RUNNING":
                return stepfunctions.json_response(
                    {"executionArn": arn, "startDate": running["startDate"]}
                )
        return original(data)

    return start


def _failing(original: Callable[..., None]) -> Callable[..., None]:
    def fail(execution: dict[str, Any], error: str, cause: str) -> None:
        # A step that fails after the execution was stopped changes nothing.
        if execution["status"] == "RUNNING":
            original(execution, error, cause)

    return fail


def _limited(stepfunctions: Any, original: Callable[..., None]) -> Callable[..., None]:
    def add(execution: dict[str, Any], kind: str, details: Any = None) -> None:
        # The last event says how it ended.
        if len(execution["events"]) >= MOST_EVENTS - 1 and execution["status"] == "RUNNING":
            raise stepfunctions._ExecutionError(
                "States.Runtime",
                f"The execution reached the maximum number of history events ({MOST_EVENTS}).",
            )
        original(execution, kind, details)

    return add


def _copying(stepfunctions: Any) -> Callable[[], dict[str, Any]]:
    original = stepfunctions.get_state

    def get_state() -> dict[str, Any]:
        executions = stepfunctions._executions
        # The original copies all it finds there, event by event: give it nothing to copy.
        stepfunctions._executions = type(executions)()
        try:
            state: dict[str, Any] = original()
        finally:
            stepfunctions._executions = executions
        copied = type(executions)()
        for scope, execution in executions._data.copy().items():
            # Events are never changed once they are there.
            copied._data[scope] = {**execution, "events": execution["events"].copy()}
        state["executions"] = copied
        return state

    return get_state
