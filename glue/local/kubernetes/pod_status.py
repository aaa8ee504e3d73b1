"""What the API shows of a pod while it runs and after: its containers' states, and its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from glue.local.kubernetes.containers import NOT_STARTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.kubernetes.containers import End
    from glue.local.kubernetes.store import Store

Object = dict[str, Any]
Cause = Literal["deadline", "deleted", "lost", "evicted"]

DEADLINE = "Pod was active on the node longer than the specified deadline"
LOST = "PodGC: node no longer exists"
EVICTED = "The node was low on resource: ephemeral-storage."


class PodStatus:
    """The status of one pod; `changed` is called whenever something of it has changed."""

    def __init__(self, pod: Object, store: Store, changed: Callable[[], None]) -> None:
        self.pod, self.store, self.changed = pod, store, changed

    def begin(self) -> None:
        """Write that the pod is on its node and that none of its containers runs yet."""
        status, spec = self.pod["status"], self.pod["spec"]
        status["startTime"] = self.store.now()
        for kind, containers in (
            ("initContainerStatuses", spec.get("initContainers") or ()),
            ("containerStatuses", spec["containers"]),
        ):
            status[kind] = [_container(container) for container in containers]
        self._note()

    def of(self, container: Object) -> Object:
        """Return the entry of a container."""
        status = self.pod["status"]
        every = (*status["initContainerStatuses"], *status["containerStatuses"])
        found: Object = next(entry for entry in every if entry["name"] == container["name"])
        return found

    def waits(self, entry: Object, reason: str, message: str) -> None:
        """Write that a container waits, and for what."""
        entry["state"] = {"waiting": {"reason": reason, "message": message}}
        entry["ready"] = entry["started"] = False
        self._note()

    def runs(self, entry: Object, *, has_started: bool = True) -> None:
        """Write that a container runs, and the pod with the first of its main ones.

        One with a startup probe has not `started` before that says so.
        """
        entry["state"] = {"running": {"startedAt": self.store.now()}}
        entry["started"] = entry["ready"] = has_started
        if any("running" in main["state"] for main in self.pod["status"]["containerStatuses"]):
            self.pod["status"]["phase"] = "Running"
        self._note()

    def started(self, entry: Object) -> None:
        """Write that a container's startup probe has succeeded."""
        entry["started"] = entry["ready"] = True
        self._note()

    def ended(self, entry: Object, end: End) -> None:
        """Write how a container ended."""
        before = entry["state"].get("running", {})
        told = {"exitCode": end.code, "reason": end.reason, "message": end.message}
        entry["state"] = {
            "terminated": {
                **{name: value for name, value in told.items() if value != ""},
                "startedAt": before.get("startedAt", self.store.now()),
                "finishedAt": self.store.now(),
            }
        }
        entry["ready"] = entry["started"] = False
        self._note()

    def starts_again(self, entry: Object) -> None:
        """Write that a container that ended waits for its next start."""
        entry["restartCount"] += 1
        entry["lastState"] = entry["state"]
        self.waits(entry, "CrashLoopBackOff", "back-off restarting failed container")

    def conclude(self, cause: Cause | None) -> None:
        """Write how the pod ended; `cause` is what ended it from outside, if anything did."""
        status = self.pod["status"]
        bad = any(_code(entry) != 0 for entry in status["containerStatuses"])
        status["phase"] = "Failed" if bad or cause is not None else "Succeeded"
        if cause == "deadline":
            status |= {"reason": "DeadlineExceeded", "message": DEADLINE}
        elif cause == "lost":
            self.store.set_condition(self.pod, "DisruptionTarget", "DeletionByPodGC", LOST)
        elif cause == "evicted":
            status |= {"reason": "Evicted", "message": EVICTED}
            self.store.set_condition(self.pod, "DisruptionTarget", "TerminationByKubelet", EVICTED)
        self._note()

    def _note(self) -> None:
        self.store.touch(self.pod)
        self.changed()


def _container(container: Object) -> Object:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": False,
        "started": False,
        "restartCount": 0,
        "state": {"waiting": {"reason": "PodInitializing"}},
        "lastState": {},
    }


def _code(entry: Object) -> int:
    """Return a main container's exit code; one that never ran did not end well."""
    ended = entry["state"].get("terminated")
    return int(ended["exitCode"]) if ended else NOT_STARTED
