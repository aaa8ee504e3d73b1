"""DescribeJobs and ListJobs: jobs as the API and the events show them."""

from __future__ import annotations

import copy
import fnmatch
from collections import Counter
from typing import TYPE_CHECKING, Any

from glue.local.batch import queues, validation
from glue.local.batch.errors import ClientError
from glue.local.batch.store import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glue.local.batch.names import Scope
    from glue.local.batch.store import Job, Region, Resource


def id_of(scope: Scope, reference: str) -> str:
    """Return the id of a job named by id or ARN. Raises ClientError for an ARN of another kind."""
    return scope.name_in("job", reference)


def detail(region: Region, job: Job) -> dict[str, Any]:
    """Return a job as DescribeJobs and `Batch Job State Change` events show it."""
    submission = region.submission(job)
    container = copy.deepcopy(submission["container"]) | {"networkInterfaces": []}
    container |= _present(
        exitCode=job.exit_code,
        reason=job.container_reason,
        logStreamName=job.log_stream,
        taskArn=job.task_arn,
    )
    shown = {
        "jobArn": region.scope.arn("job", job.id),
        "jobName": submission["name"],
        "jobId": job.id,
        "jobQueue": submission["queue"],
        "status": job.status,
        "attempts": copy.deepcopy(job.attempts),
        "createdAt": job.created_at,
        "retryStrategy": copy.deepcopy(submission["retryStrategy"]),
        "dependsOn": copy.deepcopy(submission["dependsOn"]),
        "jobDefinition": submission["definition"],
        "parameters": dict(submission["parameters"]),
        "container": container,
        "tags": dict(submission["tags"]),
        "propagateTags": submission["propagateTags"],
        "platformCapabilities": list(submission["platformCapabilities"]),
        "isCancelled": job.is_cancelled,
        "isTerminated": job.is_terminated,
    }
    return shown | _present(
        statusReason=job.reason,
        startedAt=job.started_at,
        stoppedAt=job.stopped_at,
        timeout=copy.deepcopy(submission["timeout"]),
        arrayProperties=_array(region, job),
        shareIdentifier=submission.get("shareIdentifier"),
        schedulingPriority=submission.get("schedulingPriorityOverride"),
    )


def summary(region: Region, job: Job) -> dict[str, Any]:
    """Return a job as ListJobs shows it."""
    submission = region.submission(job)
    container = _present(exitCode=job.exit_code, reason=job.container_reason)
    shown = {
        "jobArn": region.scope.arn("job", job.id),
        "jobId": job.id,
        "jobName": submission["name"],
        "createdAt": job.created_at,
        "status": job.status,
        "jobDefinition": submission["definition"],
    }
    return shown | _present(
        statusReason=job.reason,
        startedAt=job.started_at,
        stoppedAt=job.stopped_at,
        container=container or None,
        arrayProperties=_array(region, job),
    )


def describe(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """Describe the jobs named by id or ARN; unknown ones are left out, as on AWS."""
    validation.check("DescribeJobs", payload)
    wanted = [id_of(region.scope, ref) for ref in validation.limited(payload["jobs"], "jobs", 100)]
    return {"jobs": [detail(region, region.jobs[i]) for i in wanted if i in region.jobs]}


def listed(region: Region, payload: dict[str, Any]) -> dict[str, Any]:
    """List the jobs of a queue or the children of an array, the newest first.

    Without filters only those of one status are listed: RUNNING unless another is named.
    """
    validation.check("ListJobs", payload)
    if parent := payload.get("arrayJobId"):
        held = region.jobs.get(id_of(region.scope, parent))
        found: Iterable[Job] = region.children(held) if held else []
    elif payload.get("jobQueue"):
        arn = queues.get(region, payload["jobQueue"])["jobQueueArn"]
        found = [job for job in region.jobs_of(arn) if not job.is_child]
    else:
        raise ClientError("one of jobQueue, arrayJobId and multiNodeJobId is required")
    if filters := payload.get("filters"):
        if "arrayJobId" in payload:
            raise ClientError("filters go with a jobQueue only")
        found = [job for job in found if _passes(region, job, filters)]
    else:
        status = payload.get("jobStatus") or "RUNNING"
        found = [job for job in found if job.status == status]
    newest = sorted(found, key=lambda job: (job.created_at, job.sequence), reverse=True)
    page, token = validation.page(newest, payload)
    answer: dict[str, Any] = {"jobSummaryList": [summary(region, job) for job in page]}
    return answer | ({"nextToken": token} if token else {})


def _passes(region: Region, job: Job, filters: list[Resource]) -> bool:
    submission = region.submission(job)
    name, revision = submission["definition"].rsplit("/", 1)[1].split(":")
    for entry in filters:
        values = entry.get("values") or []
        match entry.get("name"):
            case "JOB_NAME":
                passed = _matches(submission["name"], values)
            case "JOB_DEFINITION":
                wanted = [value.rsplit("/", 1)[-1] for value in values]
                passed = _matches(name, wanted) or f"{name}:{revision}" in wanted
            case "BEFORE_CREATED_AT":
                passed = job.created_at < int(values[0])
            case "AFTER_CREATED_AT":
                passed = job.created_at > int(values[0])
            case other:
                raise ClientError(f"{other} is not a filter of ListJobs")
        if not passed:
            return False
    return True


def _matches(text: str, patterns: list[str]) -> bool:
    """Compare without regard to case; an asterisk at the end of a pattern means any rest."""
    lowered = text.lower()
    return any(
        fnmatch.fnmatchcase(lowered, pattern.lower().replace("[", "[[]"))
        if pattern.endswith("*")
        else lowered == pattern.lower()
        for pattern in patterns
    )


def _array(region: Region, job: Job) -> dict[str, Any] | None:
    if job.is_child:
        return {"index": job.index, "statusSummary": {}}
    size = region.size(job)
    if size is None:
        return None
    counted = Counter(child.status for child in region.children(job))
    return {"size": size, "statusSummary": {status: counted[status] for status in STATUSES}}


def _present(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
