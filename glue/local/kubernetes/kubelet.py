"""One pod on its node: its containers in their order, from the first to the last moment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Literal

from glue.local.kubernetes.containers import (
    NOT_STARTED,
    CannotPull,
    CannotStart,
    End,
    Process,
    pull,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glue.local.images import Image
    from glue.local.kubernetes.faults import Faults
    from glue.local.kubernetes.store import Store

Object = dict[str, Any]
Cause = Literal["deadline", "deleted", "lost", "evicted"]

logger = logging.getLogger("glue.local.kubernetes")

BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 10.0, 300.0
GRACE_SECONDS = 30.0
DEADLINE = "Pod was active on the node longer than the specified deadline"
LOST = "PodGC: node no longer exists"
EVICTED = "The node was low on resource: ephemeral-storage."


class Kubelet:
    """Runs one pod. `scale` shortens every wait; `changed` is called whenever its status has."""

    def __init__(  # noqa: PLR0913, PLR0917 - a pod, and the cluster it is in
        self,
        pod: Object,
        store: Store,
        faults: Callable[[], Faults],
        home: Path,
        scale: float,
        changed: Callable[[], None],
    ) -> None:
        self.pod, self.store, self.faults, self.home = pod, store, faults, home
        self.scale, self.changed = scale, changed
        self.folder = home / "pods" / pod["metadata"]["uid"]
        self.cause: Cause | None = None
        self._stop = asyncio.Event()
        self._main: dict[str, Process] = {}
        self._sidecars: dict[str, Process] = {}
        self._supervisors: list[asyncio.Task[None]] = []
        self._resting = asyncio.Event()  # set when the sidecars are to end

    async def run(self) -> None:
        """Run the pod to its end, whatever that is; its status says which."""
        status, spec = self.pod["status"], self.pod["spec"]
        status["startTime"] = self.store.now()
        for volume in spec.get("volumes") or ():
            (self.folder / "volumes" / volume["name"]).mkdir(parents=True, exist_ok=True)
        for kind, containers in (
            ("initContainerStatuses", spec.get("initContainers") or ()),
            ("containerStatuses", spec["containers"]),
        ):
            status[kind] = [_status(container) for container in containers]
        self._note()
        alarm = None
        if seconds := spec.get("activeDeadlineSeconds"):
            loop = asyncio.get_running_loop()
            alarm = loop.call_later(seconds * self.scale, self.end, "deadline")
        try:
            await self._run_containers()
        finally:
            if alarm is not None:
                alarm.cancel()
            for process in (*self._main.values(), *self._sidecars.values()):
                process.abandon()
        self._conclude()

    def end(self, cause: Cause) -> None:
        """Begin the pod's end for a reason outside of its containers."""
        if self.cause is not None and cause != "lost":
            return
        self.cause = cause
        self._stop.set()
        if cause == "lost":
            for process in (*self._main.values(), *self._sidecars.values()):
                process.abandon()
            return
        for process in self._main.values():
            self._supervisors.append(asyncio.ensure_future(process.stop(self._grace())))

    async def _run_containers(self) -> None:
        spec = self.pod["spec"]
        is_ready = True
        for container in spec.get("initContainers") or ():
            entry = self._entry(container)
            if container.get("restartPolicy") == "Always":
                image = await self._pull(container, entry)
                if image is not None:
                    begun = asyncio.Event()
                    supervisor = self._supervise(container, entry, image, begun)
                    self._supervisors.append(asyncio.ensure_future(supervisor))
                    await begun.wait()
            elif not await self._once(container, entry):
                is_ready = False
            if self._stop.is_set() or not is_ready:
                break
        if is_ready and not self._stop.is_set():
            await asyncio.gather(*(self._once(c, self._entry(c)) for c in spec["containers"]))
        self._resting.set()
        for process in reversed(self._sidecars.values()):
            await process.stop(self._grace())
        await asyncio.gather(*self._supervisors)

    async def _once(self, container: Object, entry: Object) -> bool:
        """Run a container to its end; tell whether it ended well."""
        image = await self._pull(container, entry)
        if image is None:
            return False
        process = self._process(container)
        self._main[container["name"]] = process
        if not await self._begin(process, image, entry):
            return False
        end = await process.follow()
        self._terminated(entry, end)
        return end.code == 0

    async def _supervise(
        self, container: Object, entry: Object, image: Image, begun: asyncio.Event
    ) -> None:
        """Keep a sidecar running until the main containers have ended."""
        pause = BACKOFF_SECONDS
        while True:
            process = self._process(container)
            self._sidecars[container["name"]] = process
            has_begun = await self._begin(process, image, entry)
            begun.set()
            if has_begun:
                self._terminated(entry, await process.follow())
            if self._is_over():
                return
            entry["restartCount"] += 1
            entry["lastState"] = entry["state"]
            self._waiting(entry, "CrashLoopBackOff", "back-off restarting failed container")
            await self._sleep(pause, self._resting)
            pause = min(2 * pause, LONGEST_BACKOFF_SECONDS)
            if self._is_over():
                return

    def _is_over(self) -> bool:
        return self._resting.is_set() or self._stop.is_set()

    async def _pull(self, container: Object, entry: Object) -> Image | None:
        """Return the container's image, tried for as long as the pod is wanted."""
        pause, word = BACKOFF_SECONDS, "ErrImagePull"
        while not self._stop.is_set():
            name = container["image"]
            try:
                return pull(name, self.home, is_out_of_reach=self.faults().cannot_pull(name))
            except CannotPull as error:
                self._waiting(entry, word, str(error))
                self.store.note(self.pod, "Pod", "Failed", f"Failed to pull: {error}")
            await self._sleep(pause, self._stop)
            pause, word = min(2 * pause, LONGEST_BACKOFF_SECONDS), "ImagePullBackOff"
        return None

    async def _begin(self, process: Process, image: Image, entry: Object) -> bool:
        """Start a container; tell whether it could be."""
        job = self.pod["metadata"].get("labels", {}).get("batch.kubernetes.io/job-name", "")
        fault = self.faults().take_container(job, process.container["name"])
        try:
            await process.begin(image, fault)
        except CannotStart as error:
            self._terminated(entry, End(NOT_STARTED, "StartError", str(error)))
            return False
        entry["state"] = {"running": {"startedAt": self.store.now()}}
        entry["started"] = entry["ready"] = True
        statuses = self.pod["status"]["containerStatuses"]
        if any("running" in other["state"] for other in statuses):
            self.pod["status"]["phase"] = "Running"
        self._note()
        if self.cause is not None:  # it was ended while it started
            if self.cause == "lost":
                process.abandon()
            else:
                self._supervisors.append(asyncio.ensure_future(process.stop(self._grace())))
        return True

    def _conclude(self) -> None:
        status = self.pod["status"]
        bad = any(_code(entry) != 0 for entry in status["containerStatuses"])
        status["phase"] = "Failed" if bad or self.cause is not None else "Succeeded"
        if self.cause == "deadline":
            status |= {"reason": "DeadlineExceeded", "message": DEADLINE}
        elif self.cause == "lost":
            self.store.set_condition(self.pod, "DisruptionTarget", "DeletionByPodGC", LOST)
        elif self.cause == "evicted":
            status |= {"reason": "Evicted", "message": EVICTED}
            self.store.set_condition(self.pod, "DisruptionTarget", "TerminationByKubelet", EVICTED)
        self._note()

    def _process(self, container: Object) -> Process:
        name = container["name"]
        place = self.folder / "containers" / name
        return Process(container, place, self.folder / "volumes", self.log(name))

    def log(self, container: str) -> Path:
        """Return the file with what a container has printed."""
        place: Path = self.folder / "logs" / container
        return place

    def _entry(self, container: Object) -> Object:
        status = self.pod["status"]
        every = (*status["initContainerStatuses"], *status["containerStatuses"])
        found: Object = next(entry for entry in every if entry["name"] == container["name"])
        return found

    def _waiting(self, entry: Object, reason: str, message: str) -> None:
        entry["state"] = {"waiting": {"reason": reason, "message": message}}
        entry["ready"] = entry["started"] = False
        self._note()

    def _terminated(self, entry: Object, end: End) -> None:
        if self.cause == "lost":
            return  # nobody is left on the node who could tell
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

    def _grace(self) -> float:
        seconds = self.pod["spec"].get("terminationGracePeriodSeconds", GRACE_SECONDS)
        return float(seconds) * self.scale

    async def _sleep(self, seconds: float, event: asyncio.Event) -> None:
        """Wait, but not beyond an event."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds * self.scale)

    def _note(self) -> None:
        self.store.touch(self.pod)
        self.changed()


def _status(container: Object) -> Object:
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
