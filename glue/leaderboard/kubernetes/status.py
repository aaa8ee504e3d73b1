"""What has become of a submission's Job, read from Kubernetes' own records of it.

Files that containers write to signal each other decide nothing: a stranger's container can
write them. The Job's conditions decide whether it ended, its pods' container states why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from glue.leaderboard.kubernetes import failures, sidecars, waiting
from glue.leaderboard.kubernetes.failures import FailureReason  # noqa: TC001 - pydantic reads it
from glue.leaderboard.kubernetes.sidecars import Crash  # noqa: TC001 - pydantic reads it
from glue.leaderboard.kubernetes.waiting import WaitingReason  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from glue.leaderboard.kubernetes.failures import Failure

State = Literal["waiting", "running", "succeeded", "failed", "lost"]
Manifest = dict[str, Any]


class Phase(BaseModel):
    """Where a Job stands.

    - `waiting`: nothing of the submission runs yet; `reason` says for what it waits;
    - `running`: a main container has begun, and the Job has not ended; `reason` is `crashing`
      while a container beside it is down, which `container` and `exit_code` name;
    - `succeeded`: every main container ended with 0 and the uploader had its time;
    - `failed`: it ended otherwise; `reason`, and where one is to blame `container` and
      `exit_code`;
    - `lost`: there is no such Job.

    `message` is a sentence for people. Times are Kubernetes' own, UTC in ISO 8601. `restarts`
    counts the pods before this one that the API still has; they were lost with their nodes.
    `crashes` are the containers of this pod that had to be started again.
    """

    model_config = ConfigDict(frozen=True)

    state: State
    reason: WaitingReason | FailureReason | None = None
    message: str = ""
    container: str | None = None
    exit_code: int | None = None
    pod: str | None = None
    node: str | None = None
    restarts: int = 0
    crashes: tuple[Crash, ...] = ()
    started_at: str | None = None
    ended_at: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it will not change any more."""
        return self.state in ("succeeded", "failed", "lost")


def read(job: Manifest | None, pods: Sequence[Manifest], events: Iterable[Manifest] = ()) -> Phase:
    """Return where a Job stands.

    `pods` are all that the API still has of it, `events` those of the Job and of its pods: they
    alone say that a quota keeps a pod from being made, or that no node can be had for it.
    """
    if job is None:
        return Phase(state="lost", message="the Job is not there any more; somebody deleted it")
    uid = (job.get("metadata") or {}).get("uid")
    own = sorted((pod for pod in pods if _is_of(pod, uid)), key=_age)
    pod = own[-1] if own else None
    status = job.get("status") or {}
    where = _where(pod, own)
    conditions = {
        condition.get("type"): condition
        for condition in status.get("conditions") or ()
        if condition.get("status") == "True"
    }
    if "Complete" in conditions:
        ended = status.get("completionTime") or conditions["Complete"].get("lastTransitionTime")
        return Phase(state="succeeded", ended_at=ended, **where)
    if failed := conditions.get("Failed"):
        found = failures.explain(failed, own)
        return Phase(
            state="failed",
            **(where | _blame(found)),
            ended_at=failed.get("lastTransitionTime"),
        )
    ending = conditions.get("FailureTarget")
    # A pod that failed while its Job has not: another is to come in its place.
    if pod is not None and _has_begun(pod) and (ending or not _has_failed(pod)):
        if ending:
            message = f"it is being ended: {ending.get('message', '')}"
            return Phase(state="running", message=message, **where)
        return Phase(state="running", **(where | _beside(where["crashes"])))
    reason, message = waiting.explain(job, pod, tuple(events))
    return Phase(state="waiting", reason=reason, message=message, **where)


def _is_of(pod: Manifest, uid: str | None) -> bool:
    """Tell whether a pod is this Job's, not one of an earlier Job of the same name."""
    owners = pod.get("metadata", {}).get("ownerReferences") or ()
    return uid is None or any(owner.get("uid") == uid for owner in owners)


def _age(pod: Manifest) -> tuple[str, bool]:
    """Return what sorts pods by age: times are whole seconds, and of two the living is younger."""
    is_alive = (pod.get("status") or {}).get("phase") not in ("Failed", "Succeeded")
    return str(pod.get("metadata", {}).get("creationTimestamp") or ""), is_alive


def _where(pod: Manifest | None, own: Sequence[Manifest]) -> dict[str, Any]:
    if pod is None:
        return {}
    before = max(len(own) - 1, 0)
    return {
        "pod": pod["metadata"]["name"],
        "node": (pod.get("spec") or {}).get("nodeName"),
        "restarts": before,
        "started_at": _begun_at(pod) or None,
        "crashes": sidecars.crashes(pod),
    }


def _beside(crashes: tuple[Crash, ...]) -> dict[str, Any]:
    """Return what to say of a run of which containers beside the main ones crash."""
    said: dict[str, Any] = {"message": sidecars.sentence(crashes)}
    if crashes and crashes[0].is_down:
        down = crashes[0]
        said |= {"reason": "crashing", "container": down.container, "exit_code": down.exit_code}
    return said


def _main(pod: Manifest) -> list[Manifest]:
    found: list[Manifest] = (pod.get("status") or {}).get("containerStatuses") or []
    return found


def _has_begun(pod: Manifest) -> bool:
    return bool(_begun_at(pod))


def _has_failed(pod: Manifest) -> bool:
    return (pod.get("status") or {}).get("phase") == "Failed"


def _begun_at(pod: Manifest) -> str:
    """Return when the first of its main containers began, empty when none has."""
    times = [
        str(part.get("startedAt") or "")
        for container in _main(pod)
        for part in (container.get("state") or {}).values()
        if isinstance(part, dict)
    ]
    return min((time for time in times if time), default="")


def _blame(failure: Failure) -> dict[str, Any]:
    blamed: dict[str, Any] = {"reason": failure.reason, "message": failure.message}
    if failure.container is not None:
        blamed |= {"container": failure.container, "exit_code": failure.exit_code}
    return blamed
