"""Why a Job's pod does not run yet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from glue.leaderboard.kubernetes import sidecars

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

Manifest = dict[str, Any]
WaitingReason = Literal[
    "not_begun",  # the cluster has not looked at it yet
    "quota",  # the namespace's quota has no room for its pod
    "rejected",  # the pod is against the namespace's rules, and will be until these change
    "no_gpu_node",  # no node with a free GPU, or none yet
    "unschedulable",  # no node that fits for another reason
    "image_pull",  # an image cannot be had
    "configuration",  # something that a container or a volume refers to is missing
    "crashing",  # a container that the others need, or that runs beside them, ends again and again
    "starting",  # a node was found; images are pulled, containers made
    "preparing",  # the containers that run before the main ones do their work
    "restarting",  # its node was lost; a pod in its place is to come
    "suspended",
]

GPU = "nvidia.com/gpu"
# What keeps a container from running, in Kubernetes' words.
HELD: dict[str, WaitingReason] = {
    **dict.fromkeys(
        ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull",
         "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"),
        "image_pull",
    ),
    **dict.fromkeys(
        ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"),
        "configuration",
    ),
    "CrashLoopBackOff": "crashing",
}  # fmt: skip
# What the autoscaler notes about a pod that waits for a node.
SCALING = frozenset({"TriggeredScaleUp", "NotTriggerScaleUp", "FailedScaleUp"})
# What a node notes about a pod: that a volume cannot be had, or what comes after the volumes.
MOUNT, BEYOND_MOUNT = "FailedMount", ("Pulling", "Pulled", "Created", "Started")
QUOTA = re.compile(r"exceeded quota")


def explain(
    job: Manifest, pod: Manifest | None, events: Sequence[Manifest]
) -> tuple[WaitingReason, str]:
    """Return the reason and a sentence with Kubernetes' own words."""
    if (job.get("spec") or {}).get("suspend"):
        return "suspended", "the Job is suspended"
    if pod is None:
        return _without_pod(job, events)
    status = pod.get("status") or {}
    if status.get("phase") in ("Failed", "Succeeded"):
        return "restarting", status.get("message") or "the pod ended; Kubernetes is to decide"
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") != "True" and not (pod.get("spec") or {}).get("nodeName"):
        return _unscheduled(pod, scheduled, events)
    return _on_node(pod, events)


def _without_pod(job: Manifest, events: Sequence[Manifest]) -> tuple[WaitingReason, str]:
    said = _latest(events, job, {"FailedCreate"})
    if said:
        return ("quota" if QUOTA.search(said) else "rejected"), said
    if (job.get("status") or {}).get("failed") or (job.get("status") or {}).get("startTime"):
        return "restarting", "the next pod has not been made yet"
    return "not_begun", "the cluster has not looked at the Job yet"


def _unscheduled(
    pod: Manifest, scheduled: Manifest, events: Sequence[Manifest]
) -> tuple[WaitingReason, str]:
    said = scheduled.get("message") or "no node was looked for yet"
    # The scheduler says only that no node fits; that the groups are at their limit, or that
    # AWS has no capacity, the autoscaler says.
    if more := _latest(events, pod, SCALING):
        said = f"{said} Autoscaler: {more}"
    if scheduled.get("reason") != "Unschedulable":
        return "starting", said
    # Groups of GPUs begin with no node at all. Then the scheduler speaks of labels that do not
    # match, not of GPUs that are lacking.
    return ("no_gpu_node" if _wants_gpu(pod) else "unschedulable"), said


def _on_node(pod: Manifest, events: Sequence[Manifest]) -> tuple[WaitingReason, str]:
    status, preparing, has_begun = pod.get("status") or {}, "", False
    every = (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    )
    for container in every:
        state = container.get("state") or {}
        if held := state.get("waiting"):
            reason, said = held.get("reason") or "", held.get("message") or ""
            sentence = f"{container['name']}: {reason}{': ' if said else ''}{said}"
            if reason in HELD:
                return HELD[reason], sentence + _probed(pod, container["name"], events)
            continue
        has_begun = True
        if state.get("running") and container in (status.get("initContainerStatuses") or ()):
            preparing = preparing or container["name"]
            if not container.get("started"):
                if container["name"] in sidecars.names(pod):
                    said = _probed(pod, container["name"], events)
                    return "starting", f"{container['name']} is starting{said}"
                return "preparing", f"{container['name']} is at work"
    if preparing:
        return "starting", f"{preparing} runs; the others are to follow"
    newest = _newest(events, pod, {MOUNT, *BEYOND_MOUNT})
    if not has_begun and newest and newest.get("reason") == MOUNT:
        return "configuration", str(newest.get("message") or "a volume cannot be had")
    return "starting", "its node pulls images and makes containers"


def _probed(pod: Manifest, name: str, events: Sequence[Manifest]) -> str:
    """Return what a sidecar's startup probe last said, as the end of a sentence; or nothing."""
    declared = (pod.get("spec") or {}).get("initContainers") or ()
    is_probed = any(each["name"] == name and "startupProbe" in each for each in declared)
    said = _latest(events, pod, {"Unhealthy"}) if is_probed else ""
    return f"; {said}" if said else ""


def _condition(pod: Manifest, kind: str) -> Manifest:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    found: Manifest = next((entry for entry in conditions if entry.get("type") == kind), {})
    return found


def _wants_gpu(pod: Manifest) -> bool:
    spec = pod.get("spec") or {}
    every = (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))
    return any(
        GPU in ((container.get("resources") or {}).get(kind) or {})
        for container in every
        for kind in ("limits", "requests")
    )


def _latest(events: Sequence[Manifest], about: Manifest, reasons: Set[str]) -> str:
    """Return the newest message with one of these reasons about an object, empty if none."""
    newest = _newest(events, about, reasons)
    return str(newest.get("message") or "") if newest else ""


def _newest(events: Sequence[Manifest], about: Manifest, reasons: Set[str]) -> Manifest | None:
    """Return the newest event with one of these reasons about an object, None if none.

    An object of the same name may have been there before; its events outlive it by an hour.
    """
    uid = (about.get("metadata") or {}).get("uid")
    fitting = [
        event
        for event in events
        if event.get("reason") in reasons and event.get("involvedObject", {}).get("uid") == uid
    ]
    return max(fitting, key=_when, default=None)


def _when(event: Manifest) -> str:
    """Return an event's last time; which of the three fields is set depends on who wrote it."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((str(time) for time in times if time), "")
