"""Nodes that come when a pod needs one, and which of them a pod fits on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from glue.local.kubernetes.rules import amount
from glue.local.kubernetes.usage import add

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from glue.local.kubernetes.usage import Amounts

Object = dict[str, Any]

GPU = "nvidia.com/gpu"


@dataclass(frozen=True)
class Group:
    """Equal nodes: how many there may be, what each has, and how long one takes to come.

    `capacity` is what pods may ask for altogether; what it does not name, there is enough of.
    """

    name: str
    most: int
    least: int = 0
    capacity: dict[str, Decimal] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    taints: frozenset[str] = frozenset()
    start_seconds: float = 0.0

    @property
    def has_gpus(self) -> bool:
        """Whether its nodes have GPUs."""
        return bool(self.capacity.get(GPU))


@dataclass(eq=False)
class Node:
    """A node, since when it can be used (in the future while it starts), and what is taken."""

    name: str
    group: Group
    ready_at: float
    taken: Amounts = field(default_factory=dict)


def standard_groups(
    gpu_nodes: int,
    gpus: int,
    start_seconds: float,
    *,
    cpus: int | None = None,
    memory_gib: int | None = None,
) -> tuple[Group, ...]:
    """Return the groups of a cluster as modules/cluster makes it: labels and taints as there."""
    capacity = {GPU: Decimal(gpus)}
    if cpus is not None:
        capacity["cpu"] = Decimal(cpus)
    if memory_gib is not None:
        capacity["memory"] = amount(f"{memory_gib}Gi")
    return (
        Group("system", most=1, least=1, capacity={GPU: Decimal(0)}),
        Group(
            "gpu", gpu_nodes, capacity=capacity, start_seconds=start_seconds,
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
        self._ready: list[Node] = []
        self._made = 0
        for group in self.groups:
            for _ in range(group.least):
                self._add(group, clock())

    def begin(self, taken: Mapping[str, Amounts], gpu_nodes: int | None) -> None:
        """Begin a round of placing: say what is taken of each node, and how many there may be.

        Idle nodes beyond what there may be are taken back. Nodes that come meanwhile are for the
        next round: whoever ordered one is not to see others go first.
        """
        for node in list(self.nodes.values()):
            node.taken = dict(taken.get(node.name, {}))
            if not node.taken and self._size(node.group) > self.most(node.group, gpu_nodes):
                del self.nodes[node.name]
        self._ready = [node for node in self.nodes.values() if node.ready_at <= self.clock()]

    def place(self, pod: Object, asked: Mapping[str, Decimal]) -> str | None:
        """Return the node for a pod, whose place is taken from now on, or None."""
        return _take(pod, asked, self._ready)

    def explain(self, pod: Object, asked: Mapping[str, Decimal]) -> str:
        """Return the scheduler's sentence about a pod that fits nowhere."""
        counted = Counter(_obstacle(pod, asked, node) for node in self._ready)
        why = ", ".join(f"{number} {obstacle}" for obstacle, number in sorted(counted.items()))
        return f"0/{len(self._ready)} nodes are available: {why}. preemption: not helpful."

    def scale(
        self, pod: Object, asked: Mapping[str, Decimal], gpu_nodes: int | None
    ) -> tuple[str, str]:
        """Order a node for a pod that fits nowhere; return the autoscaler's word and sentence."""
        begun = "TriggeredScaleUp", "pod triggered scale-up: [{}]"
        coming = _take(pod, asked, [n for n in self.nodes.values() if n not in self._ready])
        if coming is not None:
            return begun[0], begun[1].format(self.nodes[coming].group.name)
        refusals = []
        for group in self.groups:
            if (obstacle := _obstacle(pod, asked, Node(group.name, group, 0.0))) is not None:
                refusals.append(obstacle)
            elif self._size(group) < self.most(group, gpu_nodes):
                node = self._add(group, self.clock() + group.start_seconds)
                add(node.taken, asked)
                return begun[0], begun[1].format(group.name)
            else:
                refusals.append("max node group size reached")
        why = ", ".join(f"{number} {what}" for what, number in sorted(Counter(refusals).items()))
        return "NotTriggerScaleUp", f"pod didn't trigger scale-up: {why}"

    def lose(self, name: str) -> bool:
        """Take a node away; tell whether there was one."""
        return self.nodes.pop(name, None) is not None

    def most(self, group: Group, gpu_nodes: int | None) -> int:
        """Return how many nodes of a group there may be."""
        return gpu_nodes if group.has_gpus and gpu_nodes is not None else group.most

    def _size(self, group: Group) -> int:
        return sum(node.group is group for node in self.nodes.values())

    def _add(self, group: Group, ready_at: float) -> Node:
        self._made += 1
        node = Node(f"{group.name}-{self._made}", group, ready_at)
        self.nodes[node.name] = node
        return node


def _take(pod: Object, asked: Mapping[str, Decimal], nodes: Iterable[Node]) -> str | None:
    """Return the first of some nodes that a pod fits on, whose place is taken from now on."""
    for node in nodes:
        if _obstacle(pod, asked, node) is None:
            add(node.taken, asked)
            return node.name
    return None


def _obstacle(pod: Object, asked: Mapping[str, Decimal], node: Node) -> str | None:
    """Return what keeps a pod off a node, in the scheduler's words; None when nothing does."""
    spec, group = pod["spec"], node.group
    wanted = spec.get("nodeSelector") or {}
    if any(group.labels.get(label) != value for label, value in wanted.items()):
        return "node(s) didn't match Pod's node affinity/selector"
    tolerated = spec.get("tolerations") or ()
    for taint in sorted(group.taints):
        if not any(entry.get("key") in (None, taint) for entry in tolerated):
            return f"node(s) had untolerated taint {{{taint}: present}}"
    for what, there in group.capacity.items():
        more = asked.get(f"requests.{what}", Decimal(0))
        if more and more + node.taken.get(f"requests.{what}", Decimal(0)) > there:
            return f"Insufficient {what}"
    return None
