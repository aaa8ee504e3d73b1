"""Jobs in the cluster whose submission is closed, superseded or unknown: nothing else ends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.leaderboard.kubernetes.errors import Conflict
from glue.leaderboard.reconcile_findings import parse
from glue.leaderboard.telemetry import logger

if TYPE_CHECKING:
    from datetime import datetime

    from glue.leaderboard.services import Services

Manifest = dict[str, Any]


def orphans(services: Services, now: datetime, grace: float) -> list[Manifest]:
    """Return the leaderboard's Jobs that nobody needs any more, older than `grace` seconds."""
    found = []
    for job in services.kubernetes.jobs(leaderboard=services.leaderboard):
        metadata = job.get("metadata") or {}
        made = parse(metadata.get("creationTimestamp"))
        is_young = made is None or (now - made).total_seconds() < grace
        if is_young or "deletionTimestamp" in metadata:
            continue
        if not _is_needed(services, metadata, now, grace):
            found.append(job)
    return found


def _is_needed(services: Services, metadata: Manifest, now: datetime, grace: float) -> bool:
    labels = metadata.get("labels") or {}
    try:
        submission, attempt = int(labels["submission"]), int(labels["attempt"])
    except (KeyError, ValueError):
        logger.warning("a Job without a submission is left alone", job=metadata.get("name"))
        return True
    item = services.table.find(submission)
    if item is None:
        return False
    if item.attempt != attempt:
        return item.attempt < attempt  # the item of a new attempt is written before its Job
    changed = parse(item.updated_at)
    # Whoever has just closed it deletes the Job next.
    is_fresh = changed is not None and (now - changed).total_seconds() < grace
    return not item.state.is_closed or is_fresh


def delete(services: Services, job: Manifest) -> bool:
    """Delete a Job, exactly this one, and the Secret with its form; tell whether it was there."""
    metadata = job["metadata"]
    logger.warning("nobody needs this Job", job=metadata["name"])
    try:
        found = services.kubernetes.delete_job(metadata["name"], metadata.get("uid"))
    except Conflict:
        return False  # another one of its name has come, with a Secret of its own
    services.kubernetes.delete_secret(metadata["name"])
    return found
