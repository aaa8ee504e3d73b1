"""Batch: no new job, no running job, and then nothing that could start one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.deploy.drain.context import present
from glue.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.deploy.drain.context import Drain

ACTIVE = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
REASON = "the environment is being destroyed"

# A container has half a minute to end by itself; a machine may take minutes to hear of it.
JOBS_SECONDS = 900.0
CHANGE_SECONDS = 600.0


def drain(context: Drain) -> None:
    """Disable the queues, stop every job, and disable the compute environments.

    Raises Conflict when jobs still run after a quarter of an hour.
    """
    queues = [values["arn"] for values in context.of("aws_batch_job_queue")]
    environments = [values["arn"] for values in context.of("aws_batch_compute_environment")]
    for arn in queues:
        _disable_queue(context, arn)
    for arn in queues:
        _stop_jobs(context, arn)
    for arn in environments:
        _disable_environment(context, arn)


def _disable_queue(context: Drain, arn: str) -> None:
    """Let a queue take no more jobs, unless it is gone."""
    batch = context.client("batch", arn)
    found = batch.describe_job_queues(jobQueues=[arn])["jobQueues"]
    if found and found[0]["state"] != "DISABLED":
        batch.update_job_queue(jobQueue=arn, state="DISABLED")
        context.tell(f"queue {found[0]['jobQueueName']}: takes no more jobs")


def _stop_jobs(context: Drain, arn: str) -> None:
    """End every job of a queue and wait until none is left."""
    batch = context.client("batch", arn)
    stopped: set[str] = set()

    def is_quiet() -> bool:
        """Stop what is found, which may be an array's children made since; tell if nothing is."""
        found = list(_jobs(batch, arn))
        for job in found:
            if job["jobId"] not in stopped:
                # It cancels a job that has not started, and an array with all its children.
                present(batch.terminate_job, jobId=job["jobId"], reason=REASON)
                context.tell(f"job {job['jobName']}: stopped")
                stopped.add(job["jobId"])
        return not found

    if not context.until(is_quiet, JOBS_SECONDS):
        names = ", ".join(sorted(job["jobName"] for job in _jobs(batch, arn)))
        raise Conflict(
            f"queue {arn.rpartition('/')[2]}",
            f"these jobs still run a quarter of an hour after they were stopped: {names}",
            "look at them in the Batch console, then run destroy again: it goes on from here",
        )
    context.count("stopped_jobs", len(stopped))


def _jobs(batch: Any, queue: str) -> Iterator[dict[str, Any]]:
    """Yield the jobs of a queue that have not ended."""
    for status in ACTIVE:
        for page in batch.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus=status):
            yield from page["jobSummaryList"]


def _disable_environment(context: Drain, arn: str) -> None:
    """Let a compute environment start no machine, and wait until AWS has taken note."""
    batch = context.client("batch", arn)

    def look() -> dict[str, Any] | None:
        found = batch.describe_compute_environments(computeEnvironments=[arn])
        return next(iter(found["computeEnvironments"]), None)

    def is_settled() -> bool:
        seen = look()
        return seen is None or seen.get("status") not in ("CREATING", "UPDATING")

    seen = look()
    if seen is None or seen["state"] == "DISABLED":
        return
    # "Cannot update, resource is being modified" is what an answer too early would be.
    context.until(is_settled, CHANGE_SECONDS)
    batch.update_compute_environment(computeEnvironment=arn, state="DISABLED")
    context.until(is_settled, CHANGE_SECONDS)
    context.tell(f"compute environment {seen['computeEnvironmentName']}: starts no more machines")
