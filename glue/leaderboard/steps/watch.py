"""One look at an attempt that was launched: at its Job, at EvalAI, and at the results so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.leaderboard import reasons, verdict
from glue.leaderboard.ending import close
from glue.leaderboard.evalai.models import WITHDRAWN
from glue.leaderboard.states import State
from glue.leaderboard.steps import cluster, deadlines
from glue.leaderboard.steps.attempt import of_open_attempt
from glue.leaderboard.steps.form import is_old, put_form
from glue.leaderboard.steps.reports import Reports

if TYPE_CHECKING:
    from glue.leaderboard.evalai.models import Status
    from glue.leaderboard.kubernetes.status import Phase
    from glue.leaderboard.results.parsed import Parsed
    from glue.leaderboard.run import Failure, Run
    from glue.leaderboard.services import Services
    from glue.leaderboard.steps.cluster import Sight
    from glue.leaderboard.table import SubmissionItem

# Each look is some ten events of an execution's history, which has room for 25,000.
MOST_WATCHES = 1500


@of_open_attempt
def watch(services: Services, run: Run, item: SubmissionItem) -> Run:
    """Look once and say what comes next; raises what table, S3 and cluster raise."""
    if item.state is State.FINISHING:
        return run.then("finish", wait_seconds=0)  # an execution took up where another one broke
    sight = cluster.see(services, run, item)
    if sight.phase.is_over:
        return _over(services, run, item, sight.phase)
    if doomed := sight.doomed(services.clock()):
        return _over(services, run, item, doomed)
    if failure := deadlines.passed(services, item, sight):
        return _fail(run, failure)
    form_made_at = item.form_made_at
    if is_old(services, item):
        form_made_at = put_form(services, run, sight.job)
    reports = Reports(services, run, _noted(services, run, item, sight, form_made_at))
    if reports.item.state is State.RUNNING:
        reports.running()
        reports.interim(_progress(services, reports))
    reports.look()  # last: whoever shows results looks as well
    if reports.closed:
        return _cancel(services, run, reports.item, reports.closed)
    watches = run.watches + 1
    return run.then(
        "renew" if watches >= MOST_WATCHES else "watch",
        watches=watches,
        wait_seconds=services.pod.watch_seconds,
        looked_at=reports.looked_at,
    )


def _noted(
    services: Services, run: Run, item: SubmissionItem, sight: Sight, form_made_at: str | None
) -> SubmissionItem:
    """Return the item with what the cluster shows of the attempt."""
    phase = sight.phase
    return services.table.move(
        item,
        State.RUNNING if phase.state == "running" else State.WAITING,
        reason_code=phase.reason or "",
        reason=phase.message,
        pod=phase.pod,
        node=phase.node,
        started_at=item.started_at or phase.started_at,
        form_made_at=form_made_at,
        execution=run.execution or item.execution,
    )


def _progress(services: Services, reports: Reports) -> Parsed:
    """Return what the results say so far, and note how many routes are done."""
    parsed = _parsed(services, reports.item)
    if parsed.routes_done != (reports.item.routes_done or 0):
        reports.item = services.table.note(reports.item, routes_done=parsed.routes_done)
    return parsed


def _parsed(services: Services, item: SubmissionItem) -> Parsed:
    files = services.storage.worker_files(item.submission, item.attempt, services.pod.workers)
    return verdict.judge(services.evaluation, files)


def _over(services: Services, run: Run, item: SubmissionItem, phase: Phase) -> Run:
    """Return what follows the end of the run."""
    if phase.state == "lost":
        return _fail(run, reasons.lost())
    item = services.table.note(
        item,
        pod=phase.pod,
        node=phase.node,
        started_at=item.started_at or phase.started_at,
        execution=run.execution or item.execution,
    )
    if phase.state == "succeeded":
        return run.then("finish", wait_seconds=0)
    return _fail(run, reasons.ended(phase, _parsed(services, item), services.pod.run_seconds))


def _cancel(services: Services, run: Run, item: SubmissionItem, status: Status) -> Run:
    failure = reasons.closed_there(status.value, is_withdrawn=status in WITHDRAWN)
    return close(services, run, item, State.CANCELLED, failure, evalai_status=status.value)


def _fail(run: Run, failure: Failure) -> Run:
    return run.then("fail", failure=failure, wait_seconds=0)
