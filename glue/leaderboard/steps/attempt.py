"""The item of the attempt that a step is about, and what a step does when that is over."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from glue.errors import NotFound
from glue.leaderboard.ending import remove_job
from glue.leaderboard.table import Closed, Superseded
from glue.leaderboard.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.leaderboard.run import Run
    from glue.leaderboard.services import Services
    from glue.leaderboard.table import SubmissionItem

    Step = Callable[[Services, Run], Run]
    StepOfItem = Callable[[Services, Run, SubmissionItem], Run]


def stored(services: Services, run: Run) -> SubmissionItem | None:
    """Return the submission's item as it is now, of whichever attempt; None if there is none."""
    if run.team is not None:
        return services.table.get(run.team, run.submission)
    return services.table.find(run.submission)


def ended(services: Services, run: Run) -> Run:
    """Return the end of an attempt that is closed, or gave way to another; its Job goes."""
    logger.info("this attempt is over")
    remove_job(services, run)
    return run.then("end", wait_seconds=0)


def until_ended(step: Step) -> Step:
    """Have a step end quietly when its attempt turns out to be over while it is at work."""

    @wraps(step)
    def guarded(services: Services, run: Run) -> Run:
        try:
            return step(services, run)
        except (Closed, Superseded):
            return ended(services, run)

    return guarded


def of_open_attempt(step: StepOfItem) -> Step:
    """Give a step the item of its attempt, and end without it when that is over.

    Raises NotFound when there is no item: then nobody has prepared the submission.
    """

    @wraps(step)
    def found(services: Services, run: Run) -> Run:
        item = stored(services, run)
        if item is None:
            raise NotFound("submission", f"{run.submission} is not in the table", "prepare it")
        if item.attempt != run.attempt or item.state.is_closed:
            return ended(services, run)
        return step(services, run, item)

    return until_ended(found)
