"""The results of a run that has ended: believed or not, stored, and told to EvalAI once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from glue.leaderboard import reasons, verdict
from glue.leaderboard.ending import close
from glue.leaderboard.evalai.errors import EvalAIRejected
from glue.leaderboard.evalai.models import WITHDRAWN, Logs, Status
from glue.leaderboard.names import job_name
from glue.leaderboard.results.stdout import stdout_text
from glue.leaderboard.states import State
from glue.leaderboard.steps import cluster
from glue.leaderboard.steps.attempt import ended, stored, until_ended
from glue.leaderboard.steps.reports import CLOSED_THERE, TOLD
from glue.leaderboard.telemetry import logger

if TYPE_CHECKING:
    from glue.leaderboard.run import Run
    from glue.leaderboard.services import Services
    from glue.leaderboard.table import SubmissionItem


class Result(NamedTuple):
    """What EvalAI is told, in its own form."""

    text: str
    logs: Logs


@until_ended
def finish(services: Services, run: Run) -> Run:
    """Store the results and tell EvalAI, if they can be believed; else the attempt fails.

    Raises what table, S3, EvalAI and cluster raise. The results are stored before EvalAI is told,
    so nothing is lost if EvalAI cannot be. An attempt that has run nothing begins here, with what
    an earlier one has stored.
    """
    item = stored(services, run)
    if item is None or item.attempt != run.attempt:
        return ended(services, run)
    is_untold = item.state is State.FINISHED and item.evalai_status not in CLOSED_THERE
    if item.state.is_closed and not is_untold:
        return ended(services, run)
    if not item.state.is_closed:
        item = services.table.move(
            item,
            State.FINISHING,
            reason_code="",
            reason="",
            execution=run.execution or item.execution,
            results_of=run.results_of or run.attempt,
        )
    attempt = item.results_of or run.attempt
    files = services.storage.worker_files(run.submission, attempt, services.pod.workers)
    parsed = verdict.judge(services.evaluation, files)
    if not parsed.trusted:
        logger.warning("the results are not believed", reason=parsed.reason)
        unsent = cluster.unsent(services, item) if attempt == run.attempt else ""
        return run.then("fail", failure=reasons.untrusted(parsed, unsent), wait_seconds=0)
    job = job_name(services.leaderboard, run.submission, run.attempt)
    said = cluster.printed(services, item.pod)
    result = Result(
        verdict.for_evalai(services.evaluation, parsed.metrics),
        Logs(
            stdout=f"{stdout_text(parsed)}\n{said.agents}",
            environment_log=said.ours,
            metadata=verdict.metadata(services.leaderboard, run.attempt, job, parsed),
        ),
    )
    address = services.storage.write_results(
        run.submission,
        verdict.whole_file(parsed, files),
        result.text,
        result.logs.stdout,
        result.logs.metadata,
    )
    item = services.table.amend(
        item,
        results=address,
        metrics=verdict.attributes(parsed.metrics),
        routes_done=parsed.routes_done,
        routes_expected=parsed.routes_expected,
    )
    return _tell(services, run, item, result, job)


def _tell(services: Services, run: Run, item: SubmissionItem, result: Result, job: str) -> Run:
    """Tell EvalAI the result and close the attempt by what EvalAI holds then."""
    if run.reopen and item.evalai_status not in TOLD | CLOSED_THERE:
        # EvalAI still holds the attempt before as finished or failed, and would hear no more.
        outcome = services.evalai.set_running(run.key, job, reopen=True)
        item = services.table.amend(item, evalai_status=outcome.status.value)
    try:
        outcome = services.evalai.finish(run.key, result.text, result.logs)
    except EvalAIRejected as rejected:
        return run.then("fail", failure=reasons.rejected(rejected.words), wait_seconds=0)
    if item.state.is_closed:  # EvalAI had not heard of it, and now has
        services.table.amend(item, evalai_status=outcome.status)
        return ended(services, run)
    if outcome.status is Status.FINISHED:
        return close(services, run, item, State.FINISHED, evalai_status=outcome.status.value)
    logger.warning("EvalAI holds something else", status=outcome.status.value)
    return close(
        services,
        run,
        item,
        State.CANCELLED,
        reasons.closed_there(outcome.status.value, is_withdrawn=outcome.status in WITHDRAWN),
        evalai_status=outcome.status.value,
    )
