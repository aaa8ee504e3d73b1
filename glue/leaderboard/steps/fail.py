"""The end of an attempt that cannot be run, or has gone wrong: told to EvalAI with the reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from glue.errors import InputError
from glue.leaderboard import reasons
from glue.leaderboard.ending import close, remove_job
from glue.leaderboard.evalai.errors import EvalAIRejected
from glue.leaderboard.evalai.models import WITHDRAWN, Logs, Status
from glue.leaderboard.kubernetes.errors import KubernetesError
from glue.leaderboard.names import job_name
from glue.leaderboard.run import StepError
from glue.leaderboard.states import State
from glue.leaderboard.steps import cluster
from glue.leaderboard.steps.attempt import ended, stored, until_ended
from glue.leaderboard.steps.finish import finish
from glue.leaderboard.steps.reports import CLOSED_THERE, TOLD
from glue.leaderboard.table import SubmissionItem
from glue.leaderboard.telemetry import count, logger

if TYPE_CHECKING:
    from glue.leaderboard.run import Failure, Run
    from glue.leaderboard.services import Services

# What keeps EvalAI from hearing of results says nothing of the results.
_OF_EVALAI = frozenset({"EvalAIBusy", "EvalAIUnavailable", "EvalAIRefused"})
_OVER = frozenset({"Closed", "Superseded"})


@until_ended
def fail(services: Services, run: Run) -> Run:
    """Tell EvalAI why the attempt fails, and close it; raises what table, EvalAI, cluster raise.

    EvalAI has the last word: what its participant has cancelled is cancelled here too.
    """
    before = stored(services, run)
    # Of an earlier attempt nothing counts but whose it was.
    item = before if before is not None and before.attempt >= run.attempt else None
    error = run.error.Error if run.error else ""
    if error in _OVER or (item is not None and _is_settled(run, item)):
        return ended(services, run)
    if item is not None and item.state is State.FINISHING and error in _OF_EVALAI:
        return finish(services, run)
    failure = _why(run)
    if item is None:
        item = _unprepared(services, run, before)
        if item is None:
            count("SubmissionsFailed", services.leaderboard)
            return ended(services, run)
    if not item.state.is_closed:
        # Shows the reason while EvalAI is waited for, and that no other attempt has begun.
        item = services.table.move(
            item, item.state, reason_code=failure.code, reason=failure.message
        )
    logs = _logs(services, run, item, failure)
    _end_job(services, run, item)
    try:
        status: Status | None = services.evalai.fail(run.key, logs).status
    except EvalAIRejected as rejected:
        # It knows no such submission, or will not hear of it: nothing that is said again helps.
        logger.error("EvalAI does not take the failure", words=rejected.words)
        status = None
    if item.state.is_closed:  # EvalAI had not heard of it, and now has
        services.table.amend(item, evalai_status=status or Status.FAILED)
        return ended(services, run)
    return _close(services, run, item, failure, status)


def _is_settled(run: Run, item: SubmissionItem) -> bool:
    """Tell whether another attempt has begun, or this one is closed and EvalAI knows."""
    if item.attempt > run.attempt or item.state in {State.FINISHED, State.CANCELLED}:
        return True
    return item.state is State.FAILED and item.evalai_status in CLOSED_THERE


def _why(run: Run) -> Failure:
    if run.failure is not None and run.error is None:
        return run.failure
    error = run.error or StepError()
    logger.error("a step failed for good", error=error.Error, cause=reasons.said(error))
    return reasons.failed_step(error)


def _unprepared(
    services: Services, run: Run, before: SubmissionItem | None
) -> SubmissionItem | None:
    """Return the item of an attempt that failed before it had one.

    None if EvalAI knows no such submission: then it is nobody's, and there is nobody to tell.
    """
    team = str(before.team) if before else run.team
    try:
        team = team or str(services.evalai.submission(run.submission).participant_team)
    except EvalAIRejected as rejected:
        logger.error("EvalAI does not know the submission", words=rejected.words)
        return None
    return services.table.open(
        SubmissionItem(
            team=team,
            submission=run.submission,
            challenge=run.challenge,
            phase=run.phase,
            attempt=run.attempt,
            state=State.PREPARING,
            team_name=before.team_name if before else "",
            track=run.track or (before.track if before else ""),
            image=run.image or (before.image if before else None),
            is_static_dataset=run.is_static_dataset,
            reopen=run.reopen,
            execution=run.execution,
        )
    )


def _logs(services: Services, run: Run, item: SubmissionItem, failure: Failure) -> Logs:
    """Return what goes to EvalAI with the failure: the agent's words to its participant."""
    try:
        said = cluster.printed(services, item.pod)
    except InputError:
        said = cluster.Printed()  # the cluster is not set up; that may be the failure itself
    hosts = [f"{failure.code}: {failure.message}"]
    if run.error is not None:
        hosts.append(f"{run.error.Error}: {reasons.said(run.error)}")
    told = {
        "leaderboard": services.leaderboard,
        "attempt": run.attempt,
        "job": job_name(services.leaderboard, run.submission, run.attempt),
        "reason": failure.code,
    }
    return Logs(
        stdout=said.agents,
        stderr=f"{failure.message}\n",
        environment_log="\n\n".join([*hosts, said.ours]),
        metadata=json.dumps(told),
    )


def _end_job(services: Services, run: Run, item: SubmissionItem) -> None:
    """End what still runs, before waiting for EvalAI: it may be away for hours, and GPUs cost.

    A Job that is over stays until EvalAI knows: what its containers printed is read from it.
    """
    try:
        if not cluster.see(services, run, item).phase.is_over:
            remove_job(services, run)
    except (KubernetesError, InputError) as error:
        logger.warning("the Job is ended later", error=str(error))


def _close(
    services: Services, run: Run, item: SubmissionItem, failure: Failure, status: Status | None
) -> Run:
    """Close the attempt by what EvalAI holds."""
    state = State.FAILED
    reason: Failure | None = failure
    if status in WITHDRAWN:
        state, reason = State.CANCELLED, reasons.closed_there(str(status), is_withdrawn=True)
    elif failure.code == "closed_at_evalai":
        state = State.CANCELLED
    elif status is Status.FINISHED and _is_result_ours(run, item):
        state, reason = State.FINISHED, None
    return close(services, run, item, state, reason, evalai_status=status or Status.FAILED)


def _is_result_ours(run: Run, item: SubmissionItem) -> bool:
    """Tell whether EvalAI's result is the one that is stored: it was told, and the step died."""
    return bool(item.metrics) and (not run.reopen or item.evalai_status in TOLD | CLOSED_THERE)
