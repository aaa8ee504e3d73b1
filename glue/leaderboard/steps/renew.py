"""Another execution carries on, before the history of this one is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.leaderboard.names import execution_name
from glue.leaderboard.steps.attempt import of_open_attempt
from glue.leaderboard.telemetry import logger

if TYPE_CHECKING:
    from glue.leaderboard.run import Run
    from glue.leaderboard.services import Services
    from glue.leaderboard.table import SubmissionItem


@of_open_attempt
def renew(services: Services, run: Run, item: SubmissionItem) -> Run:  # noqa: ARG001 - as all
    """Start the next part of an attempt, which goes on watching. Repeating it starts no other."""
    following = run.then("watch", part=run.part + 1, watches=0, wait_seconds=0, execution=None)
    try:
        services.states.start_execution(
            stateMachineArn=services.state_machine_arn,
            name=execution_name(run.submission, run.attempt, following.part),
            input=following.model_dump_json(),
        )
    except services.states.exceptions.ExecutionAlreadyExists:
        logger.info("the next part was started already", part=following.part)
    return run.then("end", wait_seconds=0)
