"""What pods take, of a quota and of nodes, reckoned once for each pod."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from glue.local.kubernetes import admission
from glue.local.kubernetes.store import has_ended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glue.local.kubernetes.store import Store

Object = dict[str, Any]
Amounts = dict[str, Decimal]


class Usage:
    """What the pods of a store take. A pod that has ended takes nothing."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: dict[str, Amounts] = {}

    def of(self, pod: Object) -> Mapping[str, Decimal]:
        """Return what a pod asks for, whether or not it has ended; it never changes."""
        uid = pod["metadata"]["uid"]
        if uid not in self._known:
            if len(self._known) > 2 * len(self.store.pods) + 100:
                self._known.clear()
            self._known[uid] = admission.usage(pod)
        return self._known[uid]

    def of_namespace(self, namespace: str) -> Amounts:
        """Return what all pods of a namespace take together."""
        total: Amounts = defaultdict(Decimal)
        for (space, _), pod in self.store.pods.items():
            if space == namespace and not has_ended(pod):
                add(total, self.of(pod))
        return total

    def by_node(self) -> dict[str, Amounts]:
        """Return what is taken of each node that has pods."""
        total: dict[str, Amounts] = defaultdict(lambda: defaultdict(Decimal))
        for pod in self.store.pods.values():
            if (node := pod["spec"].get("nodeName")) and not has_ended(pod):
                add(total[node], self.of(pod))
        return total


def add(total: Amounts, more: Mapping[str, Decimal]) -> None:
    """Add amounts to a total."""
    for what, amount in more.items():
        total[what] = total.get(what, Decimal(0)) + amount
