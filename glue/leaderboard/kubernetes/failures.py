"""Why a Job failed: which container, and whose fault it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from glue.leaderboard.kubernetes import sidecars

if TYPE_CHECKING:
    from collections.abc import Sequence

Manifest = dict[str, Any]
FailureReason = Literal[
    "program",  # a container ended with another code than 0
    "out_of_memory",  # a container took more memory than its limit
    "cannot_start",  # a container's program could not be started at all
    "disk_full",  # the pod wrote more than it may, or its node ran out of disk
    "evicted",  # the node was drained, or short of something
    "preempted",  # a pod of higher priority took its place
    "node_lost",  # the node went away: taken back, broken, shut down
    "deadline",  # it ran, or waited, longer than it may
    "rejected",  # the node would not take the pod
    "unknown",
]

LONGEST_MESSAGE = 500
OOM, COULD_NOT_START = "OOMKilled", ("ContainerCannotRun", "StartError")
# Reasons of the condition DisruptionTarget.
DISRUPTIONS: dict[str, FailureReason] = {
    "PreemptionByScheduler": "preempted",
    "DeletionByTaintManager": "node_lost",
    "DeletionByPodGC": "node_lost",
    "EvictionByEvictionAPI": "evicted",
    "TerminationByKubelet": "evicted",
}
# Reasons of a pod's own status.
PODS: dict[str, FailureReason] = {
    "DeadlineExceeded": "deadline",
    "Evicted": "evicted",
    "NodeLost": "node_lost",
    "NodeShutdown": "node_lost",
    "Shutdown": "node_lost",
    "Terminated": "node_lost",
    "NodeAffinity": "rejected",
    "OutOfcpu": "rejected",
    "OutOfmemory": "rejected",
    "OutOfpods": "rejected",
    "Preempting": "preempted",
    "UnexpectedAdmissionError": "rejected",
}


class Failure(NamedTuple):
    """Why a Job failed; `container` and `exit_code` when one container is to blame."""

    reason: FailureReason
    message: str
    container: str | None = None
    exit_code: int | None = None


def explain(condition: Manifest, pods: Sequence[Manifest]) -> Failure:
    """Explain a Job's condition `Failed` by its pods, the newest of which comes last."""
    said = str(condition.get("message") or "")
    # The Job's own deadline ends pods that did nothing wrong: what they say is a consequence.
    if condition.get("reason") == "DeadlineExceeded":
        begun = any((pod.get("status") or {}).get("startTime") for pod in pods)
        what = "it ran and waited longer than it may" if begun else "no pod of it ever ran"
        return Failure("deadline", f"{what}: {said or 'the deadline has passed'}")
    for pod in reversed(pods):
        if (pod.get("status") or {}).get("phase") == "Failed":
            found = _of_pod(pod)
            if found is not None:
                return found
    # A pod that is not kept any more leaves nothing but the Job's own words.
    return Failure("unknown", said or "Kubernetes gives no reason")


def _of_pod(pod: Manifest) -> Failure | None:
    status = pod.get("status") or {}
    said = str(status.get("message") or "")
    # Whatever a container ended with when its node or its pod was taken away was not its fault.
    if kind := _of_status(status):
        return Failure(kind, said or str(status.get("reason") or ""))
    for condition in status.get("conditions") or ():
        if condition.get("type") == "DisruptionTarget" and condition.get("status") == "True":
            reason = DISRUPTIONS.get(condition.get("reason") or "", "node_lost")
            return Failure(reason, str(condition.get("message") or said))
    return _of_container(pod)


def _of_status(status: Manifest) -> FailureReason | None:
    reason = str(status.get("reason") or "")
    said = str(status.get("message") or "").lower()
    if reason == "Evicted" and ("ephemeral" in said or "emptydir" in said or "disk" in said):
        return "disk_full"
    return PODS.get(reason)


def _of_container(pod: Manifest) -> Failure | None:
    """Return the first container that ended badly. Sidecars are ended by Kubernetes itself."""
    status, beside = pod.get("status") or {}, sidecars.names(pod)
    ended = [
        (container["name"], container["state"]["terminated"])
        for container in (
            *(status.get("initContainerStatuses") or ()),
            *(status.get("containerStatuses") or ()),
        )
        if container["name"] not in beside and (container.get("state") or {}).get("terminated")
    ]
    wrong = [(name, end) for name, end in ended if end.get("exitCode") != 0]
    if not wrong:
        return None
    name, end = min(wrong, key=lambda entry: str(entry[1].get("finishedAt") or ""))
    code, why = end.get("exitCode"), str(end.get("reason") or "")
    reason: FailureReason = "program"
    if why == OOM:
        reason = "out_of_memory"
    elif why in COULD_NOT_START:
        reason = "cannot_start"
    # The container itself may have written this.
    said = str(end.get("message") or "").strip()[:LONGEST_MESSAGE]
    sentence = f"{name} ended with {code}" + (f" ({why})" if why not in ("", "Error") else "")
    sentence = f"{sentence}: {said}" if said else sentence
    # An agent or a simulator that went away is often why the one that waited for it gave up.
    if crashes := sidecars.crashes(pod):
        sentence = f"{sentence}; before that {', '.join(map(str, crashes))}"
    return Failure(reason, sentence, name, code)
