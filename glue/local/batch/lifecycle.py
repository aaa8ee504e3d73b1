"""How a job goes from one status to the next, and who is told.

Every change of a status is an event, as on AWS; the submission itself is none. The parent of an
array is pending while its children run, and ends with the last of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.batch import jobs, retries, submission
from glue.local.batch.store import ENDED, WAITING

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.batch.outside import Outside
    from glue.local.batch.store import Job, Region

STATE_CHANGE = "Batch Job State Change"
QUEUE_BLOCKED = "Batch Job Queue Blocked"
TASK_EXITED = "Essential container in task exited"
TASK_NOT_STARTED = "Task failed to start"
TIMED_OUT = "Job attempt duration exceeded timeout"
DEPENDENCY_FAILED = "Dependent Job failed"
CHILD_FAILED = "Array Child Job failed"
HOST_TERMINATED = "Host EC2 (instance i-0123456789abcdef0) terminated."


class Lifecycle:
    """Changes jobs and tells EventBridge. Times are in milliseconds."""

    def __init__(self, outside: Outside, clock: Callable[[], int]) -> None:
        self.outside = outside
        self.clock = clock
        self.changes = 0  # grows with each, so that others see that there is something to save

    def move(self, region: Region, job: Job, status: str, reason: str | None = None) -> None:
        """Give a job its next status, and its parent the consequences."""
        job.status = status
        job.reason = reason
        if status == "RUNNABLE":
            job.runnable_since = self.clock()
        if status in ENDED:
            job.stopped_at = self.clock()
        self.tell(region, job, STATE_CHANGE)
        if job.is_child:
            self._follow(region, job, region.jobs[job.submission])

    def tell(self, region: Region, job: Job, kind: str) -> None:
        """Send an event about a job as it is now."""
        self.changes += 1
        shown = jobs.detail(region, job)
        resources = [shown["jobArn"]]
        if kind == QUEUE_BLOCKED:
            resources.append(shown["jobQueue"])
        self.outside.put_event(region.scope, kind, shown, resources)

    def admit(self, region: Region, job: Job) -> None:
        """Let a job that was submitted or waits for others go on as far as it may."""
        if job.status == "SUBMITTED":
            # AWS shows every job as pending for a moment, whether or not it has to wait.
            self.move(region, job, "PENDING")
        if job.status != "PENDING" or region.size(job) is not None:
            return
        others = [region.jobs.get(identity) for identity in submission.waits_for(region, job)]
        # One that ended so long ago that it was forgotten is no obstacle any more.
        found = [other for other in others if other is not None]
        if any(other.status == "FAILED" for other in found):
            self.move(region, job, "FAILED", DEPENDENCY_FAILED)
        elif all(other.status == "SUCCEEDED" for other in found):
            self.move(region, job, "RUNNABLE")

    def start(self, region: Region, job: Job, environment: str, task: str) -> None:
        """Begin an attempt in a compute environment."""
        job.compute_environment = environment
        job.task_arn = task
        job.exit_code = job.container_reason = job.log_stream = None
        job.started_at = None
        self.move(region, job, "STARTING")

    def run(self, region: Region, job: Job) -> None:
        """Say that an attempt's program runs."""
        job.started_at = self.clock()
        self.move(region, job, "RUNNING")

    def finish(  # noqa: PLR0913 - what an attempt ends with
        self,
        region: Region,
        job: Job,
        exit_code: int | None,
        status_reason: str = TASK_EXITED,
        reason: str | None = None,
        *,
        final: bool = False,
    ) -> None:
        """End an attempt. A failed one is tried again by the job's strategy, unless `final`."""
        job.exit_code, job.container_reason = exit_code, reason
        container: dict[str, Any] = {
            "exitCode": exit_code,
            "reason": reason,
            "logStreamName": job.log_stream,
            "taskArn": job.task_arn,
            "networkInterfaces": [],
        }
        attempt = {
            "container": {key: value for key, value in container.items() if value is not None},
            "startedAt": job.started_at or self.clock(),
            "stoppedAt": self.clock(),
            "statusReason": status_reason,
        }
        job.attempts.append(attempt)
        job.compute_environment = None
        strategy = region.submission(job)["retryStrategy"]
        if exit_code == 0 and not final:
            self.move(region, job, "SUCCEEDED", status_reason)
        elif not final and retries.is_retried(
            strategy, len(job.attempts), exit_code, status_reason, reason or ""
        ):
            job.started_at = None
            self.move(region, job, "RUNNABLE", status_reason)
        else:
            self.move(region, job, "FAILED", status_reason)

    def cancel(self, region: Region, job: Job, reason: str) -> list[Job]:
        """Cancel a job, or an array, that does not run yet; return the ones that do."""
        if region.size(job) is not None:
            running = []
            job.is_cancelled = True
            for child in region.children(job):
                running += self.cancel(region, child, reason)
            return running
        if job.status in WAITING:
            job.is_cancelled = True
            self.move(region, job, "FAILED", reason)
        return [] if job.status in ENDED else [job]

    def _follow(self, region: Region, job: Job, parent: Job) -> None:
        """End the parent of an array with the last of its children."""
        if parent.status in ENDED:
            return
        if parent.started_at is None and job.status == "STARTING":
            parent.started_at = self.clock()
        if job.status not in ENDED or not region.is_over(parent):
            return
        if any(child.status == "FAILED" for child in region.children(parent)):
            self.move(region, parent, "FAILED", CHILD_FAILED)
        else:
            self.move(region, parent, "SUCCEEDED")
