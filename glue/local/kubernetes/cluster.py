"""The stand-in's heart: it keeps the state, places pods and runs them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from typing import TYPE_CHECKING, Any

from glue.local.kubernetes import rules as namespaces
from glue.local.kubernetes.controller import Controller
from glue.local.kubernetes.faults import Faults
from glue.local.kubernetes.kubelet import Kubelet
from glue.local.kubernetes.memory import Memory
from glue.local.kubernetes.nodes import Nodes
from glue.local.kubernetes.pod_status import LOST
from glue.local.kubernetes.runtimes import Processes
from glue.local.kubernetes.scheduler import Scheduler
from glue.local.kubernetes.store import Store, has_ended, key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from glue.local.kubernetes.nodes import Group
    from glue.local.kubernetes.rules import Rules
    from glue.local.kubernetes.runtimes import Runtime
    from glue.local.kubernetes.shipping import Shipper

Object = dict[str, Any]

logger = logging.getLogger("glue.local.kubernetes")

STATE = "state.sqlite"
LOOK_SECONDS = 0.2  # how often deadlines are looked at when nothing else happens
# Between two rounds at least: what happens meanwhile is seen to by one of them.
REST_SECONDS = 0.01


class Cluster:
    """A cluster of one machine; `scale` shortens or lengthens all its waits and deadlines."""

    def __init__(  # noqa: PLR0913 - all but two have a default
        self,
        home: Path,
        groups: Iterable[Group],
        *,
        rules: Rules | None = None,
        scale: float = 1.0,
        clock: Callable[[], float] = time.time,
        shipper: Shipper | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        self.home, self.scale, self.shipper = home, scale, shipper
        self.runtime = runtime or Processes(home)
        self.rules = rules or namespaces.read()
        self.store = Store(clock)
        self.nodes = Nodes(groups, clock)
        self.faults = Faults()
        self.controller = Controller(self.store, self.rules, scale, self._end_pod)
        self.scheduler = Scheduler(
            self.store, self.nodes, self.rules, self.controller.usage, self._start_pod
        )
        self._kubelets: dict[str, Kubelet] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        home.mkdir(parents=True, exist_ok=True)
        self._memory = Memory(home / STATE)
        self._memory.load(self.store)
        self._recover()

    async def run(self) -> None:
        """Move everything on until cancelled; then every process is ended."""
        shipping = [asyncio.ensure_future(self.shipper.run())] if self.shipper else []
        try:
            while True:
                self._wake.clear()
                try:
                    self.tick()
                    self.save()
                except Exception:
                    logger.exception("the cluster stumbles")
                await asyncio.sleep(REST_SECONDS)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
        finally:
            # First the state as it is: what ran will be found lost with its node.
            self.save()
            for kubelet in list(self._kubelets.values()):
                kubelet.end("lost")
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self.shipper is not None:
                self.shipper.end()
            await asyncio.gather(*shipping, return_exceptions=True)
            self._memory.close()

    def tick(self) -> None:
        """Do what is to be done now."""
        if not self.faults.no_controller:
            self.controller.tick()
        self.scheduler.tick(self.faults.gpu_nodes)

    def save(self) -> None:
        """Write down what has changed."""
        self._memory.save(self.store)

    def wake(self) -> None:
        """Have a look soon."""
        self._wake.set()

    def lose_node(self, name: str) -> bool:
        """Take a node away with all that runs on it; tell whether there was one."""
        found = self.nodes.lose(name)
        for kubelet in list(self._kubelets.values()):
            if kubelet.pod["spec"].get("nodeName") == name:
                kubelet.end("lost")
        self.wake()
        return found

    def evict(self, pod: Object) -> None:
        """End a pod as a node that is short of disk does."""
        if kubelet := self._kubelets.get(pod["metadata"]["uid"]):
            kubelet.end("evicted")

    def log(self, pod: Object, container: str) -> Path:
        """Return the file with what a container has printed; it may not be there."""
        return self._folder(pod) / "logs" / container

    def _recover(self) -> None:
        """End the pods that ran when an earlier stand-in was ended: their node is gone."""
        for pod in self.store.pods.values():
            if pod["spec"].get("nodeName") and not has_ended(pod):
                pod["status"]["phase"] = "Failed"
                self.store.set_condition(pod, "DisruptionTarget", "DeletionByPodGC", LOST)

    def _start_pod(self, pod: Object) -> None:
        kubelet = Kubelet(
            pod, self.store, lambda: self.faults, self._folder(pod), self.runtime, self.scale,
            self.wake,
        )  # fmt: skip
        self._kubelets[pod["metadata"]["uid"]] = kubelet
        if self.shipper is not None:
            self.shipper.watch(pod, kubelet.log)
        task = asyncio.ensure_future(self._run_pod(kubelet))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_pod(self, kubelet: Kubelet) -> None:
        pod = kubelet.pod
        try:
            await kubelet.run()
        except Exception:
            logger.exception("pod %s", key(pod))
            pod["status"] |= {"phase": "Failed", "reason": "UnexpectedAdmissionError"}
            self.store.touch(pod)
        finally:
            self._kubelets.pop(pod["metadata"]["uid"], None)
            if self.shipper is not None:
                self.shipper.release(pod)
        self.wake()

    def _end_pod(self, pod: Object) -> None:
        """Begin a pod's end, or finish it when nothing of it runs."""
        if "deletionTimestamp" not in pod["metadata"]:
            pod["metadata"]["deletionTimestamp"] = self.store.now()
            self.store.touch(pod)
        if kubelet := self._kubelets.get(pod["metadata"]["uid"]):
            kubelet.end("deleted")
            return
        self.store.remove(self.store.pods, pod)
        shutil.rmtree(self._folder(pod), ignore_errors=True)

    def _folder(self, pod: Object) -> Path:
        found: Path = self.home / "pods" / pod["metadata"]["uid"]
        return found
