"""Which pod goes to which node: those of higher priority first, then in the order they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from decimal import Decimal

    from glue.local.kubernetes.nodes import Nodes
    from glue.local.kubernetes.rules import Rules
    from glue.local.kubernetes.store import Store
    from glue.local.kubernetes.usage import Usage

    Object = dict[str, Any]


class Scheduler:
    """Places pods. `start` is called for each one that has a node now."""

    def __init__(
        self,
        store: Store,
        nodes: Nodes,
        rules: Rules,
        usage: Usage,
        start: Callable[[Object], None],
    ) -> None:
        self.store, self.nodes, self.rules, self.usage = store, nodes, rules, usage
        self.start = start

    def tick(self, gpu_nodes: int | None) -> None:
        """Place what can be placed; `gpu_nodes` limits the nodes with GPUs, None leaves it."""
        pending = [
            pod
            for pod in self.store.pods.values()
            if not pod["spec"].get("nodeName") and "deletionTimestamp" not in pod["metadata"]
        ]
        if not pending:
            return
        pending.sort(key=self._urgency)
        self.nodes.begin(self.usage.by_node(), gpu_nodes)
        # Within a round nodes only get fuller: what one pod did not get an equal one does not.
        refused: dict[Hashable, tuple[str, tuple[str, str]]] = {}
        for pod in pending:
            asked = self.usage.of(pod)
            wish = _wish(pod, asked)
            if wish in refused:
                self._refuse(pod, *refused[wish])
            elif (node := self.nodes.place(pod, asked)) is not None:
                self._assign(pod, node)
            else:
                said = self.nodes.explain(pod, asked)
                scaled = self.nodes.scale(pod, asked, gpu_nodes)
                if scaled[0] != "TriggeredScaleUp":
                    refused[wish] = said, scaled
                self._refuse(pod, said, scaled)

    def _urgency(self, pod: Object) -> int:
        return -self.rules.priorities.get(pod["spec"].get("priorityClassName", ""), 0)

    def _assign(self, pod: Object, node: str) -> None:
        pod["spec"]["nodeName"] = node
        pod["status"]["conditions"] = []
        self.store.set_condition(pod, "PodScheduled")
        self.store.note(pod, "Scheduled", f"Successfully assigned to {node}")
        self.start(pod)

    def _refuse(self, pod: Object, said: str, scaled: tuple[str, str]) -> None:
        waiting = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        conditions = [{**waiting, "message": said}]
        if pod["status"].get("conditions") != conditions:
            pod["status"]["conditions"] = conditions
            self.store.touch(pod)
        self.store.note(pod, *scaled)


def _wish(pod: Object, asked: Mapping[str, Decimal]) -> Hashable:
    """Return what is the same for pods that fit on the same nodes."""
    spec = pod["spec"]
    return (
        tuple(sorted((spec.get("nodeSelector") or {}).items())),
        tuple(entry.get("key") for entry in spec.get("tolerations") or ()),
        tuple(sorted(asked.items())),
    )
