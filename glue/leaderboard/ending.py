"""The end of an attempt on our side: its item is closed, its Job and its form are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.errors import InputError
from glue.leaderboard.kubernetes.errors import KubernetesRefused
from glue.leaderboard.names import job_name
from glue.leaderboard.reasons import remedy_of
from glue.leaderboard.states import State
from glue.leaderboard.telemetry import count, logger
from glue.leaderboard.times import utc_text

if TYPE_CHECKING:
    from glue.leaderboard.run import Failure, Run
    from glue.leaderboard.services import Services
    from glue.leaderboard.table import SubmissionItem

METRICS = {
    State.FINISHED: "SubmissionsFinished",
    State.FAILED: "SubmissionsFailed",
    State.CANCELLED: "SubmissionsCancelled",
}


def close(
    services: Services,
    run: Run,
    item: SubmissionItem,
    state: State,
    failure: Failure | None = None,
    **fields: Any,
) -> Run:
    """Put an attempt into a closed state, with the reason if it has one, and clean up after it.

    Repeating it changes nothing but what was left undone. Raises what table and cluster raise.
    """
    was_open = not item.state.is_closed
    code = failure.code if failure else ""
    item = services.table.move(
        item,
        state,
        ended_at=item.ended_at or utc_text(services.clock()),
        reason_code=code,
        reason=failure.message if failure else "",
        finding="",
        remedy=remedy_of(code, services.leaderboard, run.submission) if failure else "",
        **fields,
    )
    if was_open:
        count(METRICS[state], services.leaderboard)
        logger.info("closed", state=state.value, reason_code=code, reason=item.reason)
    remove_job(services, run)
    return run.then("end", failure=failure, wait_seconds=0)


def remove_job(services: Services, run: Run) -> None:
    """Delete the Job of an attempt, its pods, and the form they send with, if there are any.

    Raises KubernetesUnavailable. A cluster that does not let us in keeps no attempt from its end:
    the reconciler deletes what nobody needs.
    """
    name = job_name(services.leaderboard, run.submission, run.attempt)
    try:
        services.kubernetes.delete_job(name)
        services.kubernetes.delete_secret(name)
    except (KubernetesRefused, InputError) as error:
        logger.error("the Job cannot be deleted", job=name, error=str(error))
