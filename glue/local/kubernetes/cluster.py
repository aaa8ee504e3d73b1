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
from glue.local.kubernetes.kubelet import LOST, Kubelet
from glue.local.kubernetes.nodes import Nodes
from glue.local.kubernetes.store import Store, has_ended, key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from glue.local.kubernetes.nodes import Group
    from glue.local.kubernetes.rules import Rules

Object = dict[str, Any]

logger = logging.getLogger("glue.local.kubernetes")

STATE = "state.json"
LOOK_SECONDS = 0.2  # how often deadlines are looked at when nothing else happens
SAVE_SECONDS = 0.5  # the least time between two savings


class Cluster:
    """A cluster of one machine; `scale` shortens or lengthens all its waits and deadlines."""

    def __init__(
        self,
        home: Path,
        groups: Iterable[Group],
        *,
        rules: Rules | None = None,
        scale: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.home, self.scale = home, scale
        self.rules = rules or namespaces.read()
        self.store = Store(clock)
        self.nodes = Nodes(groups, clock)
        self.faults = Faults()
        self.controller = Controller(self.store, self.rules, scale, self._end_pod)
        self._kubelets: dict[str, Kubelet] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        home.mkdir(parents=True, exist_ok=True)
        self.store.load(home / STATE)
        self._recover()

    async def run(self) -> None:
        """Move everything on until cancelled; then every process is ended."""
        saved, next_save = self.store.version, 0.0
        try:
            while True:
                self._wake.clear()
                try:
                    self.tick()
                except Exception:
                    logger.exception("the cluster stumbles")
                if saved != self.store.version and time.monotonic() >= next_save:
                    saved, next_save = self.store.version, time.monotonic() + SAVE_SECONDS
                    self.store.save(self.home / STATE)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
        finally:
            # First the state as it is: what ran will be found lost with its node.
            self.store.save(self.home / STATE)
            for kubelet in list(self._kubelets.values()):
                kubelet.end("lost")
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def tick(self) -> None:
        """Do what is to be done now."""
        if not self.faults.no_controller:
            self.controller.tick()
        for pod in list(self.store.pods.values()):
            if not pod["spec"].get("nodeName") and "deletionTimestamp" not in pod["metadata"]:
                self._schedule(pod)

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
        place: Path = self.home / "pods" / pod["metadata"]["uid"] / "logs" / container
        return place

    def _recover(self) -> None:
        """End the pods that ran when an earlier stand-in was ended: their node is gone."""
        for pod in self.store.pods.values():
            if pod["spec"].get("nodeName") and not has_ended(pod):
                pod["status"]["phase"] = "Failed"
                self.store.set_condition(pod, "DisruptionTarget", "DeletionByPodGC", LOST)

    def _schedule(self, pod: Object) -> None:
        others = [other for other in self.store.pods.values() if other is not pod]
        status = pod["status"]
        node = self.nodes.place(pod, others, self.faults.gpu_nodes)
        if node is None:
            said = self.nodes.explain(pod, others)
            waiting = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
            known = status.get("conditions")
            status["conditions"] = [{**waiting, "message": said}]
            if known != status["conditions"]:
                self.store.touch(pod)
            self.store.note(pod, "Pod", *self.nodes.scale(pod, self.faults.gpu_nodes))
            return
        pod["spec"]["nodeName"] = node
        status["conditions"] = []
        self.store.set_condition(pod, "PodScheduled")
        self.store.note(pod, "Pod", "Scheduled", f"Successfully assigned to {node}")
        kubelet = Kubelet(pod, self.store, lambda: self.faults, self.home, self.scale, self.wake)
        self._kubelets[pod["metadata"]["uid"]] = kubelet
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
        shutil.rmtree(self.home / "pods" / pod["metadata"]["uid"], ignore_errors=True)
