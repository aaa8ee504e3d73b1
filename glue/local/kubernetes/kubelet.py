"""One pod on its node: its containers in their order, from the first to the last moment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from glue.local.kubernetes import probes
from glue.local.kubernetes.containers import (
    NOT_STARTED,
    CannotPull,
    CannotStart,
    End,
)
from glue.local.kubernetes.pod_status import PodStatus
from glue.local.kubernetes.volumes import Volumes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glue.local.images import Image
    from glue.local.kubernetes.containers import Process
    from glue.local.kubernetes.faults import Faults
    from glue.local.kubernetes.pod_status import Cause
    from glue.local.kubernetes.runtimes import Runtime
    from glue.local.kubernetes.store import Store

Object = dict[str, Any]

logger = logging.getLogger("glue.local.kubernetes")

BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 10.0, 300.0
GRACE_SECONDS, LEAST_GRACE_SECONDS = 30.0, 2.0
MOUNT_SECONDS, LONGEST_MOUNT_SECONDS = 0.5, 122.0  # between two tries to mount what is missing
REFRESH_SECONDS = 60.0  # until a container sees what a Secret was changed to


class Kubelet:
    """Runs one pod, with a folder of its own, in a runtime.

    `scale` shortens every wait; `changed` is called whenever the pod's status has changed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - a pod, and the cluster it is in
        self,
        pod: Object,
        store: Store,
        faults: Callable[[], Faults],
        folder: Path,
        runtime: Runtime,
        scale: float,
        changed: Callable[[], None],
    ) -> None:
        self.pod, self.store, self.faults = pod, store, faults
        self.folder, self.sandbox = folder, runtime.sandbox(pod, folder)
        self.scale, self.status = scale, PodStatus(pod, store, changed)
        self.cause: Cause | None = None
        self._stop = asyncio.Event()
        self._main: dict[str, Process] = {}
        self._sidecars: dict[str, Process] = {}
        self._supervisors: list[asyncio.Task[None]] = []
        self._over = asyncio.Event()  # set when no sidecar is started again
        self._volumes = Volumes(
            pod, store, self.folder / "volumes", is_shared=runtime.keeps_users_apart
        )
        self._patience_ends: float | None = None  # when whoever still runs is killed

    async def run(self) -> None:
        """Run the pod to its end, whatever that is; its status says which."""
        self.status.begin()
        alarm = None
        if seconds := self.pod["spec"].get("activeDeadlineSeconds"):
            loop = asyncio.get_running_loop()
            alarm = loop.call_later(seconds * self.scale, self.end, "deadline")
        refreshing = asyncio.ensure_future(self._refresh())
        try:
            if await self._mount() and await self._begin_sandbox():
                await self._run_containers()
        finally:
            refreshing.cancel()
            if alarm is not None:
                alarm.cancel()
            for process in (*self._main.values(), *self._sidecars.values()):
                process.abandon()
            await self.sandbox.end()
        self.status.conclude(self.cause)

    def end(self, cause: Cause) -> None:
        """Begin the pod's end for a reason outside of its containers."""
        if self.cause is not None and cause != "lost":
            return
        self.cause = cause
        self._stop.set()
        self._over.set()
        if cause == "lost":
            for process in (*self._main.values(), *self._sidecars.values()):
                process.abandon()
            return
        self._patience_ends = asyncio.get_running_loop().time() + self._grace()
        for process in self._main.values():
            self._supervisors.append(asyncio.ensure_future(process.stop(self._patience())))

    async def _mount(self) -> bool:
        """Make the volumes; tell whether the pod may begin, which a missing Secret prevents."""
        pause = MOUNT_SECONDS
        while not self._stop.is_set():
            missing = self._volumes.prepare()
            if not missing:
                return True
            for said in missing:
                self.store.note(self.pod, "FailedMount", said)
            await self._sleep(pause, self._stop)
            pause = min(2 * pause, LONGEST_MOUNT_SECONDS)
        return False

    async def _begin_sandbox(self) -> bool:
        """Make what the containers share, tried for as long as the pod is wanted."""
        pause = BACKOFF_SECONDS
        while not self._stop.is_set():
            try:
                await self.sandbox.begin()
            except CannotStart as error:
                self.store.note(self.pod, "FailedCreatePodSandBox", str(error))
            else:
                return True
            await self._sleep(pause, self._stop)
            pause = min(2 * pause, LONGEST_BACKOFF_SECONDS)
        return False

    async def _refresh(self) -> None:
        """Show Secrets as they change, for as long as the pod runs."""
        while self._volumes.has_secrets:
            await asyncio.sleep(REFRESH_SECONDS * self.scale)
            self._volumes.refresh()

    async def _run_containers(self) -> None:
        spec = self.pod["spec"]
        is_ready = True
        for container in spec.get("initContainers") or ():
            entry = self.status.of(container)
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
            await asyncio.gather(*(self._once(c, self.status.of(c)) for c in spec["containers"]))
        self._over.set()
        if self._patience_ends is None:
            self._patience_ends = asyncio.get_running_loop().time() + self._grace()
        # One after the other. They share the pod's grace: whoever takes it all leaves the
        # others, which began earlier, next to nothing of it.
        for process in reversed(self._sidecars.values()):
            await process.stop(self._patience())
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
        """Keep a sidecar running until the main containers have ended.

        `begun` is set once it has started, or never will: only then is it the next one's turn.
        """
        pause = BACKOFF_SECONDS
        while True:
            process = self._process(container)
            self._sidecars[container["name"]] = process
            if await self._begin(process, image, entry):
                starting = asyncio.ensure_future(self._start(process, entry, begun))
                end = await process.follow()
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
                self._terminated(entry, end)
            if self._over.is_set():
                begun.set()
                return
            self.status.starts_again(entry)
            await self._sleep(pause, self._over)
            pause = min(2 * pause, LONGEST_BACKOFF_SECONDS)
            if self._over.is_set():
                begun.set()
                return

    async def _start(self, process: Process, entry: Object, begun: asyncio.Event) -> None:
        """Ask a sidecar's startup probe until it has started; end one that does not start."""
        probe, failures = probes.startup(process.container), 0
        if probe is None:
            begun.set()
            return
        await self._sleep(probe.delay, self._over)
        while not self._over.is_set():
            # How long a program takes to answer is no wait that could be shortened.
            answer = await process.ask(probe.command, probe.timeout)
            if answer.is_good:
                self.status.started(entry)
                break
            self.store.note(self.pod, "Unhealthy", str(answer))
            failures += answer.is_good is not None
            if failures >= probe.failures:
                name = process.container["name"]
                said = f"Container {name} failed startup probe, will be restarted"
                self.store.note(self.pod, "Killing", said)
                await process.stop(self._grace())
                return
            await self._sleep(probe.period, self._over)
        begun.set()

    async def _pull(self, container: Object, entry: Object) -> Image | None:
        """Return the container's image, tried for as long as the pod is wanted."""
        pause, word = BACKOFF_SECONDS, "ErrImagePull"
        while not self._stop.is_set():
            try:
                return await self._attempt(container)
            except CannotPull as error:
                self.status.waits(entry, error.reason or word, str(error))
                start = "Error" if error.reason else "Failed to pull"
                self.store.note(self.pod, "Failed", f"{start}: {error}")
            await self._sleep(pause, self._stop)
            pause, word = min(2 * pause, LONGEST_BACKOFF_SECONDS), "ImagePullBackOff"
        return None

    async def _attempt(self, container: Object) -> Image | None:
        """Return the container's image, or None when the pod is over first. Raises CannotPull."""
        is_out_of_reach = self.faults().cannot_pull(container["image"])
        pulling = asyncio.ensure_future(
            self.sandbox.pull(container, is_out_of_reach=is_out_of_reach)
        )
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({pulling, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if pulling.done():
            return pulling.result()
        pulling.cancel()
        await asyncio.gather(pulling, return_exceptions=True)
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
        self.status.runs(entry, has_started=probes.startup(process.container) is None)
        if self.cause == "lost":  # it was ended while it started
            process.abandon()
        elif self._over.is_set():
            self._supervisors.append(asyncio.ensure_future(process.stop(self._patience())))
        return True

    def _process(self, container: Object) -> Process:
        return self.sandbox.container(container, self.log(container["name"]))

    def log(self, container: str) -> Path:
        """Return the file with what a container has printed."""
        place: Path = self.folder / "logs" / container
        return place

    def _terminated(self, entry: Object, end: End) -> None:
        if self.cause != "lost":  # then nobody is left on the node who could tell
            self.status.ended(entry, end)

    def _patience(self) -> float:
        """Return how many seconds a container has to end by itself."""
        assert self._patience_ends is not None  # noqa: S101 - the end has begun
        left = self._patience_ends - asyncio.get_running_loop().time()
        return max(left, LEAST_GRACE_SECONDS * self.scale)

    def _grace(self) -> float:
        seconds = self.pod["spec"].get("terminationGracePeriodSeconds", GRACE_SECONDS)
        return float(seconds) * self.scale

    async def _sleep(self, seconds: float, event: asyncio.Event) -> None:
        """Wait, but not beyond an event."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds * self.scale)
