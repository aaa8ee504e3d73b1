"""The Job of an attempt is made, and before it the form that its pod sends results with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.leaderboard.kubernetes.errors import Conflict, KubernetesRefused, KubernetesUnavailable
from glue.leaderboard.kubernetes.job import render
from glue.leaderboard.pod import job_values
from glue.leaderboard.states import State
from glue.leaderboard.steps.attempt import of_open_attempt
from glue.leaderboard.steps.form import put_form
from glue.leaderboard.telemetry import logger
from glue.leaderboard.times import utc_text

if TYPE_CHECKING:
    from glue.leaderboard.run import Run
    from glue.leaderboard.services import Services
    from glue.leaderboard.table import SubmissionItem


@of_open_attempt
def launch(services: Services, run: Run, item: SubmissionItem) -> Run:
    """Make the attempt's Job, or find the one that was made before this was repeated.

    Raises what table, S3 and cluster raise, and InputError when the leaderboard's configuration
    makes no Job.
    """
    item = services.table.move(
        item, State.LAUNCHING, execution=run.execution or item.execution, reason_code="", reason=""
    )
    manifest = render(job_values(services, run, item))
    put_form(services, run, None)  # a pod without it would not start
    job = _made(services, manifest)
    made_at = put_form(services, run, job)  # now it goes when the Job goes
    services.table.move(
        item,
        State.WAITING,
        job_name=job["metadata"]["name"],
        job_uid=job["metadata"]["uid"],
        launched_at=item.launched_at or utc_text(services.clock()),
        form_made_at=made_at,
        routes_expected=services.evaluation.records,
    )
    return run.then("watch", wait_seconds=services.pod.watch_seconds)


def _made(services: Services, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the Job of this manifest, made now or before."""
    metadata = manifest["metadata"]
    try:
        return services.kubernetes.create_job(manifest)
    except Conflict:
        found = services.kubernetes.job(metadata["name"])
    there = found["metadata"]
    if "deletionTimestamp" in there:
        raise KubernetesUnavailable(f"the Job {metadata['name']} is being deleted")
    labels = there.get("labels") or {}
    if any(labels.get(name) != value for name, value in metadata["labels"].items()):
        raise KubernetesRefused(f"the Job {metadata['name']} is there already, and somebody else's")
    logger.info("the Job was made already", job=metadata["name"])
    return found
