"""Which job starts next, and where.

Queues are served by priority, the jobs of a queue in the order they were submitted. A job that
finds no room in any compute environment of its queue holds back those behind it, as on AWS,
and says why it waits.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from glue.local.batch import compute_environments, definitions, lifecycle, queues
from glue.local.batch.store import ACTIVE, ENDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.batch.lifecycle import Lifecycle
    from glue.local.batch.store import Job, Region, Resource, Store

    Start = Callable[[Region, Job, Resource], None]

KEPT_MILLISECONDS = 7 * 24 * 3600 * 1000  # AWS shows ended jobs for a week
TOO_LARGE = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) "
    "is higher than that can be met by the CE(s) attached to the job queue."
)
NO_ROOM = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - The CE(s) attached to the job queue "
    "have no vCPUs left below their maximum."
)
NO_ENVIRONMENT = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - No CE attached to the job queue is enabled and "
    "of the platform that the job definition asks for."
)


class Scheduler:
    """Moves jobs on. `start` begins an attempt; at most `processes` run at once here.

    `scale` shortens or lengthens the time that queues let a job wait.
    """

    def __init__(
        self, store: Store, life: Lifecycle, start: Start, processes: int, scale: float = 1.0
    ) -> None:
        self.store, self.life, self.start = store, life, start
        self.processes, self.scale = processes, scale

    def tick(self) -> None:
        """Move every job on as far as it can go now."""
        self._count()
        for region in self.store.regions():
            for job in region.jobs_in("SUBMITTED", "PENDING"):
                self.life.admit(region, job)
            # One look at them for all queues: arrays have thousands, and it is looked often.
            waiting = region.jobs_in("RUNNABLE")
            # With higher priority first; among equals the older queue.
            for queue in sorted(region.queues.values(), key=lambda queue: -queue["priority"]):
                self._serve(region, queue, waiting)
            self._remove(region)

    def _serve(self, region: Region, queue: Resource, waiting: list[Job]) -> None:
        if queue["status"] != "VALID":
            return
        environments = queues.environments_of(region, queue)
        for job in waiting:
            if self._active >= self.processes:
                return
            if region.submission(job)["queue"] != queue["jobQueueArn"]:
                continue
            environment, obstacle = self._place(region, job, environments)
            if environment is not None:
                self._active += 1
                self._taken[environment["computeEnvironmentArn"]] += _vcpus(region, job)
                self.start(region, job, environment)
                continue
            if obstacle is not None and job.reason != obstacle:
                job.reason = obstacle
                self.life.tell(region, job, lifecycle.QUEUE_BLOCKED)
            self._give_up(region, job, queue)
            return

    def _place(
        self, region: Region, job: Job, environments: list[Resource]
    ) -> tuple[Resource | None, str | None]:
        """Return the environment that has room for a job, or None and why there is none."""
        submission = region.submission(job)
        needed = _vcpus(region, job)
        fitting = [
            environment
            for environment in environments
            if environment["state"] == "ENABLED"
            and environment["status"] == "VALID"
            and compute_environments.is_fargate(environment) == submission["fargate"]
        ]
        if not fitting:
            return None, NO_ENVIRONMENT
        most = [self._limit(environment) for environment in fitting]
        for environment, limit in zip(fitting, most, strict=True):
            if self._taken[environment["computeEnvironmentArn"]] + needed <= limit:
                return environment, None
        return None, TOO_LARGE if needed > max(most) else NO_ROOM

    @staticmethod
    def _limit(environment: Resource) -> float:
        return float((environment.get("computeResources") or {}).get("maxvCpus", 0))

    def _count(self) -> None:
        """Count the jobs that run, and the vCPUs they take of each environment."""
        self._active = 0
        self._taken: defaultdict[str, float] = defaultdict(float)
        for region in self.store.regions():
            for job in region.jobs_in(*ACTIVE):
                self._active += 1
                self._taken[job.compute_environment or ""] += _vcpus(region, job)

    def _give_up(self, region: Region, job: Job, queue: Resource) -> None:
        """Cancel a job that has waited too long for its queue's patience."""
        waited = self.life.clock() - (job.runnable_since or self.life.clock())
        for action in queue.get("jobStateTimeLimitActions") or ():
            if (job.reason or "").startswith(action["reason"]) and (
                waited >= action["maxTimeSeconds"] * 1000 * self.scale
            ):
                self.life.cancel(region, job, action["reason"])
                return

    def _remove(self, region: Region) -> None:
        """Take away what is being deleted and not used any more, and jobs that ended long ago."""
        used = {job.compute_environment for job in region.jobs_in(*ACTIVE)}
        for name, queue in list(region.queues.items()):
            if queue["status"] == "DELETING" and all(
                job.status in ENDED for job in region.jobs_of(queue["jobQueueArn"])
            ):
                del region.queues[name]
        for name, environment in list(region.compute_environments.items()):
            unused = environment["computeEnvironmentArn"] not in used
            if environment["status"] == "DELETING" and unused:
                del region.compute_environments[name]
        oldest = self.life.clock() - KEPT_MILLISECONDS
        for identity in list(region.submissions):
            job = region.jobs[identity]
            if job.status in ENDED and (job.stopped_at or 0) < oldest:
                for child in region.children(job):
                    del region.jobs[child.id]
                del region.jobs[identity], region.submissions[identity]


def _vcpus(region: Region, job: Job) -> float:
    return float(definitions.requirement(region.submission(job)["container"], "VCPU") or 1)
