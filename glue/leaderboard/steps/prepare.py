"""A submission is read from EvalAI, checked, and written to the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.leaderboard.ending import close
from glue.leaderboard.evalai.errors import EvalAIRejected
from glue.leaderboard.evalai.models import WITHDRAWN, Status
from glue.leaderboard.reasons import closed_there
from glue.leaderboard.run import Failure
from glue.leaderboard.states import State
from glue.leaderboard.steps.attempt import ended, until_ended
from glue.leaderboard.steps.image import image_of
from glue.leaderboard.table import SubmissionItem
from glue.leaderboard.times import utc_text

if TYPE_CHECKING:
    from glue.leaderboard.evalai.models import Submission
    from glue.leaderboard.run import Run
    from glue.leaderboard.services import Services

# What EvalAI holds before anything has begun. Anything else is of an earlier attempt, and says
# nothing of this one.
BEFORE = frozenset({Status.SUBMITTED, Status.QUEUED, Status.SUBMITTING, Status.RESUMING})


@until_ended
def prepare(services: Services, run: Run) -> Run:
    """Open the attempt's item and see that it can be run; raises what EvalAI and table raise."""
    known = services.table.find(run.submission)
    if known is not None and (
        known.attempt > run.attempt or (known.attempt == run.attempt and known.state.is_closed)
    ):
        return ended(services, run)
    try:
        found = services.evalai.submission(run.submission)
    except EvalAIRejected as rejected:
        return _failed(run, "unknown_submission", f"EvalAI does not know it: {rejected.words}")
    team = str(found.participant_team)
    if before := {run.team, known and str(known.team)} - {None, team}:
        message = f"It is of team {team} at EvalAI, and was of team {before.pop()} before."
        return _failed(run, "wrong_team", message)
    run = run.model_copy(update={"team": team})
    is_over = found.status in WITHDRAWN or (found.status.is_closed and not run.reopen)
    if not is_over:
        return _begin(services, run, _opened(services, run, known, found), found)
    if known is not None and known.attempt < run.attempt:
        return ended(services, run)  # the earlier attempt's item tells how it ended
    failure = closed_there(found.status.value, is_withdrawn=found.status in WITHDRAWN)
    item = _opened(services, run, known, found)
    return close(services, run, item, State.CANCELLED, failure, evalai_status=found.status.value)


def _begin(services: Services, run: Run, item: SubmissionItem, found: Submission) -> Run:
    """Return the run with what its Job needs, or its failure when there is no running it."""
    if found.challenge_phase != run.phase:
        message = f"It is of phase {found.challenge_phase} at EvalAI, and came with {run.phase}."
        return _failed(run, "wrong_phase", message)
    if run.is_static_dataset:
        return _failed(
            run,
            "static_dataset",
            "It is a submission for a static dataset, and this leaderboard runs agents in a "
            "simulator. Submit an agent's image to this phase.",
        )
    image = run.image or item.image or image_of(found.input_file)
    if image is None:
        return _failed(
            run,
            "no_image",
            "Neither EvalAI's message nor what is stored names its image. Submit it again.",
        )
    now = utc_text(services.clock())
    services.table.move(
        item,
        State.PREPARING,
        image=image,
        prepared_at=item.prepared_at or now,
        execution=run.execution or item.execution,
    )
    return run.then("launch", image=image, looked_at=now, wait_seconds=0)


def _opened(
    services: Services, run: Run, known: SubmissionItem | None, found: Submission
) -> SubmissionItem:
    """Return the attempt's item, with what EvalAI says of the submission."""
    told = {
        "team_name": found.participant_team_name,
        "submitted_at": found.submitted_at and utc_text(found.submitted_at.timestamp()),
        "evalai_status": found.status.value if found.status in BEFORE else "",
    }
    item = services.table.open(
        SubmissionItem(
            team=run.team,
            submission=run.submission,
            challenge=run.challenge,
            phase=run.phase,
            attempt=run.attempt,
            state=State.PREPARING,
            track=run.track or (known.track if known else ""),
            image=run.image or (known.image if known else None),
            is_static_dataset=run.is_static_dataset,
            reopen=run.reopen,
            **told,
        )
    )
    return services.table.move(item, State.PREPARING, **told)


def _failed(run: Run, code: str, message: str) -> Run:
    return run.then("fail", failure=Failure(code=code, message=message), wait_seconds=0)
