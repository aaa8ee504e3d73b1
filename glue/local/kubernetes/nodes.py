"""Nodes that come when a pod needs one, and which of them a pod fits on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glue.local.kubernetes import admission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Object = dict[str, Any]

GPU = "nvidia.com/gpu"


@dataclass(frozen=True)
class Group:
    """Equal nodes: how many there may be, what each has, and how long one takes to come."""

    name: str
    most: int
    least: int = 0
    gpus: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    taints: frozenset[str] = frozenset()
    start_seconds: float = 0.0


@dataclass
class Node:
    """A node, and since when it can be used: in the future while it starts."""

    name: str
    group: Group
    ready_at: float


def standard_groups(gpu_nodes: int, gpus: int, start_seconds: float) -> tuple[Group, ...]:
    """Return the groups of a cluster as modules/cluster makes it: labels and taints as there."""
    return (
        Group("system", most=1, least=1),
        Group(
            "gpu", gpu_nodes, gpus=gpus, start_seconds=start_seconds,
            labels={"purpose": "gpu", "k8s.amazonaws.com/accelerator": "nvidia"},
            taints=frozenset({GPU}),
        ),
    )  # fmt: skip


class Nodes:
    """All nodes. `clock` tells seconds."""

    def __init__(self, groups: Iterable[Group], clock: Callable[[], float]) -> None:
        self.groups = tuple(groups)
        self.clock = clock
        self.nodes: dict[str, Node] = {}
        self._made = 0
        for group in self.groups:
            for _ in range(group.least):
                self._add(group, clock())

    def place(self, pod: Object, pods: Iterable[Object], gpu_nodes: int | None) -> str | None:
        """Return the node for a pod, or None."""
        every = list(pods)
        self._take_back(every, gpu_nodes)
        for node in self.nodes.values():
            if node.ready_at <= self.clock() and self._obstacle(pod, node, every) is None:
                return node.name
        return None

    def explain(self, pod: Object, pods: Iterable[Object]) -> str:
        """Return the scheduler's sentence about a pod that fits nowhere."""
        every = list(pods)
        ready = [node for node in self.nodes.values() if node.ready_at <= self.clock()]
        counted = Counter(self._obstacle(pod, node, every) for node in ready)
        why = ", ".join(f"{number} {obstacle}" for obstacle, number in sorted(counted.items()))
        return f"0/{len(ready)} nodes are available: {why}. preemption: not helpful."

    def scale(self, pod: Object, gpu_nodes: int | None) -> tuple[str, str]:
        """Order a node for a pod that fits nowhere; return the autoscaler's word and sentence."""
        refusals = []
        for group in self.groups:
            template = Node(group.name, group, 0.0)
            if (obstacle := self._obstacle(pod, template, ())) is not None:
                refusals.append(obstacle)
                continue
            if any(n.group is group and n.ready_at > self.clock() for n in self.nodes.values()):
                return "TriggeredScaleUp", f"pod triggered scale-up: [{group.name}]"
            if self._size(group) < self._most(group, gpu_nodes):
                self._add(group, self.clock() + group.start_seconds)
                return "TriggeredScaleUp", f"pod triggered scale-up: [{group.name}]"
            refusals.append("max node group size reached")
        why = ", ".join(f"{number} {what}" for what, number in sorted(Counter(refusals).items()))
        return "NotTriggerScaleUp", f"pod didn't trigger scale-up: {why}"

    def lose(self, name: str) -> bool:
        """Take a node away; tell whether there was one."""
        return self.nodes.pop(name, None) is not None

    def _take_back(self, pods: list[Object], gpu_nodes: int | None) -> None:
        """Remove idle nodes beyond what there may be."""
        busy = {pod["spec"].get("nodeName") for pod in pods}
        for node in list(self.nodes.values()):
            if self._size(node.group) > self._most(node.group, gpu_nodes) and node.name not in busy:
                del self.nodes[node.name]

    def _most(self, group: Group, gpu_nodes: int | None) -> int:
        return gpu_nodes if group.gpus and gpu_nodes is not None else group.most

    def _size(self, group: Group) -> int:
        return sum(node.group is group for node in self.nodes.values())

    def _add(self, group: Group, ready_at: float) -> None:
        self._made += 1
        name = f"{group.name}-{self._made}"
        self.nodes[name] = Node(name, group, ready_at)

    def _obstacle(self, pod: Object, node: Node, pods: Iterable[Object]) -> str | None:
        """Return what keeps a pod off a node, in the scheduler's words; None when nothing does."""
        spec, group = pod["spec"], node.group
        wanted = spec.get("nodeSelector") or {}
        if any(group.labels.get(label) != value for label, value in wanted.items()):
            return "node(s) didn't match Pod's node affinity/selector"
        tolerated = spec.get("tolerations") or ()
        for taint in sorted(group.taints):
            if not any(entry.get("key") in (None, taint) for entry in tolerated):
                return f"node(s) had untolerated taint {{{taint}: present}}"
        taken = sum(gpus(other) for other in pods if other["spec"].get("nodeName") == node.name)
        if gpus(pod) > group.gpus - taken:
            return f"Insufficient {GPU}"
        return None


def gpus(pod: Object) -> int:
    """Return how many GPUs a pod takes, none once it has ended."""
    if pod["status"].get("phase") in ("Succeeded", "Failed"):
        return 0
    return int(admission.usage(pod).get(f"requests.{GPU}", 0))
