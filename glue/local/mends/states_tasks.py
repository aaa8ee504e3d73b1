"""Tasks of state machines are repeated, named and permitted as on AWS.

MiniStack 1.5.33 waits at most a minute before a repetition and knows neither MaxDelaySeconds nor
JitterStrategy, lets `States.ALL` match what nothing may match, repeats a task of an execution
that was stopped, calls a function that is throttled `Lambda.Unknown`, and does not ask whether
the state machine's role may call a function.

Waits are shortened by the launcher's `--wait-scale`, but never below `SHORTEST_WAIT`: a machine
that looks again and again would do nothing else. At most `TASKS_AT_ONCE` functions run for state
machines at a time, the others wait, where AWS starts a thousand.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import os
import random
import threading
import time
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

EXPECTED = {
    "_run_execution": "996dff84e0e0",
    "_execute_task": "53c818d247db",
    "_execute_wait": "a1012679c72d",
    "_with_retry_and_catch": "b351699db7b3",
    "_find_matching_retrier": "cb494ae8503c",
    "_error_matches": "519b9dc729c5",
    "_scaled_sleep": "5ed19df2efa9",
    "_call_lambda": "25830369b126",
    "_invoke_resource": "a85d2be9a858",
    "_invoke_resource_with_timeout": "faeed0bf70d5",
}
SHORTEST_WAIT = 0.2  # seconds
TASKS_AT_ONCE = max(8, 4 * (os.cpu_count() or 1))
# No wildcard matches these.
UNMATCHED = ("States.Runtime", "States.DataLimitExceeded")


class Current(threading.local):
    """What a thread is doing: its execution, and the repetition that it is about to wait for."""

    execution: dict[str, Any] | None = None
    retry: tuple[Mapping[str, Any], int] | None = None


def delay(retrier: Mapping[str, Any], count: int) -> float:
    """Return the seconds before a repetition, when `count` of its retrier have been made."""
    seconds = float(retrier.get("IntervalSeconds", 1)) * float(
        retrier.get("BackoffRate", 2.0)
    ) ** min(count, 64)
    if "MaxDelaySeconds" in retrier:
        seconds = min(seconds, float(retrier["MaxDelaySeconds"]))
    if retrier.get("JitterStrategy") == "FULL":
        seconds = random.uniform(0, seconds)  # noqa: S311 - nothing secret
    return seconds


def scaled(seconds: float, scale: float) -> float:
    """Return how long a wait takes here."""
    return max(seconds * scale, min(seconds, SHORTEST_WAIT))


def matches(names: list[str], error: str) -> bool:
    """Tell whether a retrier or catcher of these names is meant by an error."""
    if error in names:
        return True
    if error in UNMATCHED:
        return False
    return "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout")


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend tasks. Raises MendError if it is another emulator."""
    from ministack.services import stepfunctions

    expect(stepfunctions, EXPECTED)
    current = Current()
    stepfunctions._error_matches = matches
    stepfunctions._run_execution = _noting(stepfunctions, current)
    stepfunctions._find_matching_retrier = _finding(stepfunctions._find_matching_retrier, current)
    stepfunctions._scaled_sleep = _sleeping(stepfunctions, current)
    stepfunctions._call_lambda = _permitted(stepfunctions)
    _in_turn(stepfunctions, current)


def _noting(stepfunctions: Any, current: Current) -> Callable[[str], None]:
    original = stepfunctions._run_execution

    def run(arn: str) -> None:
        current.execution = stepfunctions._executions.get(arn)
        original(arn)

    return run


def _finding(original: Callable[..., Any], current: Current) -> Callable[..., Any]:
    def find(retriers: Any, error: str, counts: dict[int, int]) -> Any:
        retrier, index = original(retriers, error, counts)
        current.retry = None if retrier is None else (retrier, counts.get(index, 0))
        return retrier, index

    return find


def _sleeping(stepfunctions: Any, current: Current) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        if current.retry is not None:
            seconds, current.retry = delay(*current.retry), None
        time.sleep(scaled(seconds, stepfunctions._SFN_WAIT_SCALE))
        if current.execution is not None and current.execution["status"] != "RUNNING":
            raise stepfunctions._ExecutionError("States.Runtime", "it was stopped meanwhile")

    return sleep


def _permitted(stepfunctions: Any) -> Callable[[str, Any], Any]:
    original = stepfunctions._call_lambda

    def call(reference: str, event: Any) -> Any:
        try:
            return original(reference, event)
        except stepfunctions._ExecutionError as error:
            if error.error == "Lambda.Unknown" and "TooManyRequestsException" in error.cause:
                error.error = "Lambda.TooManyRequestsException"
            raise

    return call


def _in_turn(stepfunctions: Any, current: Current) -> None:
    """Let each function that is called wait for its turn, before its time begins to run."""
    turns = threading.BoundedSemaphore(TASKS_AT_ONCE)

    def taking(original: Callable[..., Any]) -> Callable[..., Any]:
        def invoke(resource: str, given: Any, *timeout: Any) -> Any:
            is_function = "states:::lambda:invoke" in resource or ":function:" in resource
            # A task with a time limit runs in a thread of its own, which knows no execution.
            if not is_function or current.execution is None:
                return original(resource, given, *timeout)
            require_right(stepfunctions, current.execution, resource, given)
            with turns:
                return original(resource, given, *timeout)

        return invoke

    stepfunctions._invoke_resource_with_timeout = taking(
        stepfunctions._invoke_resource_with_timeout
    )
    stepfunctions._invoke_resource = taking(stepfunctions._invoke_resource)


def require_right(
    stepfunctions: Any, execution: Mapping[str, Any], resource: str, given: Any
) -> None:
    """Raise the error of AWS unless a state machine's role may call a function."""
    from ministack.core import iam_evaluator

    machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
    if machine is None:
        return
    wanted = given.get("FunctionName", "") if "lambda:invoke" in resource else resource
    account, region = stepfunctions.get_account_id(), stepfunctions.get_region()
    if not wanted.startswith("arn:"):
        wanted = f"arn:aws:lambda:{region}:{account}:function:{wanted}"
    role = machine["roleArn"].rsplit("/", 1)[-1]
    asked = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{role}/{execution['name'][:64]}",
        principal_type="AssumedRole",
        principal_account=account,
        action="lambda:InvokeFunction",
        resource_arn=wanted,
        region=region,
    )
    policies = iam_evaluator._gather_role_policies(role, account)
    if iam_evaluator.evaluate(asked, policies).decision != "Allow":
        raise stepfunctions._ExecutionError(
            "Lambda.AWSLambdaException",
            f"User: {asked.principal_arn} is not authorized to perform: {asked.action} on "
            f"resource: {wanted} because no identity-based policy allows it "
            "(Service: Lambda, Status Code: 403)",
        )
