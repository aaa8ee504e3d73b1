"""State machines: nothing runs in them any more, for AWS waits for every execution to end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from glue.deploy.drain.context import present

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glue.deploy.drain.context import Drain

CAUSE = "The environment is destroyed."
STOPPED_SECONDS = 120.0


def drain(context: Drain) -> None:
    """Stop every execution that runs; a deleted state machine would stay until the last ended."""
    for values in context.of("aws_sfn_state_machine"):
        machines = context.client("stepfunctions", values["arn"])
        running = _running(machines, values)
        for arn in running:
            present(machines.stop_execution, executionArn=arn, error="Destroyed", cause=CAUSE)
        if not running:
            continue
        context.count("stopped_executions", len(running))
        context.tell(f"state machine {values['name']}: {len(running)} executions stopped")
        # One that was just starting another of itself gets none in by this.
        context.until(partial(_is_quiet, machines, values), STOPPED_SECONDS)


def _running(machines: Any, values: Mapping[str, Any]) -> list[str]:
    """Return the ARNs of executions that run; none for a state machine that is gone."""

    def listed() -> list[str]:
        pages = machines.get_paginator("list_executions").paginate(
            stateMachineArn=values["arn"], statusFilter="RUNNING"
        )
        return [one["executionArn"] for page in pages for one in page["executions"]]

    return present(listed) or []


def _is_quiet(machines: Any, values: Mapping[str, Any]) -> bool:
    """Stop what has begun since; tell whether nothing runs."""
    running = _running(machines, values)
    for arn in running:
        present(machines.stop_execution, executionArn=arn, error="Destroyed", cause=CAUSE)
    return not running
