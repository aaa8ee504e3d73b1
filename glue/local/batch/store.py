"""What Batch remembers, by account and region, in a form that can be saved as JSON.

Resources are kept in the shape the API describes them in. Jobs are kept apart from what they
were submitted with: the thousands of children of an array share one submission.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from glue.local.batch.names import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDED = ("SUCCEEDED", "FAILED")
WAITING = ("SUBMITTED", "PENDING", "RUNNABLE")
ACTIVE = ("STARTING", "RUNNING")
STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")

Resource = dict[str, Any]


@dataclass(slots=True)
class Job:
    """One job: a single one, the parent of an array, or a child. Times are in milliseconds."""

    id: str
    submission: str  # the id that the submission is kept under: its own, or its parent's
    sequence: int
    created_at: int
    index: int | None = None
    status: str = "SUBMITTED"
    reason: str | None = None
    started_at: int | None = None
    stopped_at: int | None = None
    runnable_since: int | None = None
    attempts: list[Resource] = field(default_factory=list)
    exit_code: int | None = None
    container_reason: str | None = None
    log_stream: str | None = None
    task_arn: str | None = None
    compute_environment: str | None = None
    is_cancelled: bool = False
    is_terminated: bool = False

    @property
    def is_child(self) -> bool:
        """Tell whether it is a child of an array."""
        return self.index is not None


@dataclass(slots=True)
class Region:
    """Everything of one account in one region."""

    scope: Scope
    compute_environments: dict[str, Resource] = field(default_factory=dict)
    queues: dict[str, Resource] = field(default_factory=dict)
    definitions: dict[str, list[Resource]] = field(default_factory=dict)
    policies: dict[str, Resource] = field(default_factory=dict)
    submissions: dict[str, Resource] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    last_sequence: int = 0

    def next_sequence(self) -> int:
        """Return a number that no job of this region has had."""
        self.last_sequence += 1
        return self.last_sequence

    def submission(self, job: Job) -> Resource:
        """Return what a job was submitted with."""
        return self.submissions[job.submission]

    def size(self, job: Job) -> int | None:
        """Return the number of children of an array's parent; None for any other job."""
        if job.is_child:
            return None
        size: int | None = self.submission(job)["size"]
        return size

    def children(self, job: Job) -> list[Job]:
        """Return the children of an array's parent in order; none of any other job."""
        return [self.jobs[f"{job.id}:{index}"] for index in range(self.size(job) or 0)]

    def is_over(self, parent: Job) -> bool:
        """Tell whether all children of an array have ended.

        They run in order, so the last ones tell soonest that it is not over: in an array of
        thousands each of which ends, nobody looks at all of them each time.
        """
        indices = reversed(range(self.size(parent) or 0))
        return all(self.jobs[f"{parent.id}:{index}"].status in ENDED for index in indices)

    def jobs_in(self, *statuses: str) -> list[Job]:
        """Return the jobs that have one of some statuses, in the order they were submitted."""
        return [job for job in self.jobs.values() if job.status in statuses]

    def jobs_of(self, queue_arn: str) -> Iterator[Job]:
        """Yield the jobs of a queue in the order they were submitted."""
        for job in list(self.jobs.values()):
            if self.submission(job)["queue"] == queue_arn:
                yield job


JOB_FIELDS = tuple(f.name for f in fields(Job))
PLAIN = ("compute_environments", "queues", "definitions", "policies", "submissions")


class Store:
    """All regions of all accounts."""

    def __init__(self) -> None:
        self._regions: dict[Scope, Region] = {}

    def region(self, scope: Scope) -> Region:
        """Return the region of a scope, made when it is asked for first."""
        return self._regions.setdefault(scope, Region(scope))

    def regions(self) -> list[Region]:
        """Return every region that was ever used."""
        return list(self._regions.values())

    def clear(self) -> None:
        """Forget everything."""
        self._regions.clear()

    def dump(self) -> dict[str, Any]:
        """Return everything as what `json` can write."""
        return {
            "regions": [
                {
                    "scope": list(region.scope),
                    "last_sequence": region.last_sequence,
                    "jobs": [asdict(job) for job in region.jobs.values()],
                    **{name: getattr(region, name) for name in PLAIN},
                }
                for region in self.regions()
            ]
        }

    def load(self, data: dict[str, Any]) -> None:
        """Put what `dump` returned in the place of everything there is."""
        self.clear()
        for saved in data.get("regions", ()):
            region = self.region(Scope(*saved["scope"]))
            region.last_sequence = saved["last_sequence"]
            for name in PLAIN:
                setattr(region, name, saved[name])
            for held in saved["jobs"]:
                region.jobs[held["id"]] = Job(**{name: held[name] for name in JOB_FIELDS})
