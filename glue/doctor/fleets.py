"""The machines an environment may start, read from its tfvars file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ZONES = "abc"


class Fleet(NamedTuple):
    """Machines of some types: `machines` at most, or `vcpus` at most where Batch counts those."""

    name: str
    instance_types: tuple[str, ...]
    is_spot: bool
    machines: int = 0
    vcpus: int = 0

    @property
    def has_gpus(self) -> bool:
        """Whether its types are those with graphics processors."""
        return any(family(one) in {"g", "p"} for one in self.instance_types)


def fleets(values: Mapping[str, Any]) -> Iterator[Fleet]:
    """Yield the node groups and Batch's compute environments that a tfvars file describes.

    What takes its machines from Fargate, and a group without named types, is left out: the
    modules' own defaults are small.
    """
    cluster = values.get("cluster") or {}
    nodes = cluster.get("system_nodes") or {}
    if nodes.get("instance_types"):
        types, spot = tuple(nodes["instance_types"]), nodes.get("capacity") == "spot"
        yield Fleet("cluster.system_nodes", types, spot, machines=int(nodes.get("max") or 1))
    for key, group in (cluster.get("gpu_node_groups") or {}).items():
        yield Fleet(
            f"cluster.gpu_node_groups.{key}",
            tuple(group["instance_types"]),
            group.get("capacity") == "spot",
            machines=int(group["max"]),
        )
    for key, compute in ((values.get("batch") or {}).get("compute") or {}).items():
        if compute.get("instance_types"):
            yield Fleet(
                f"batch.compute.{key}",
                tuple(compute["instance_types"]),
                str(compute.get("kind", "")).endswith("-spot"),
                vcpus=int(compute.get("max_vcpus") or 0),
            )


def family(instance_type: str) -> str:
    """Return the letter by which AWS counts a type: g, p, or s for its standard families."""
    kind = re.match("[a-z]*", instance_type)
    name = kind[0] if kind else ""
    return {"g": "g", "gr": "g", "vt": "g", "p": "p"}.get(name, "s")


def zones(values: Mapping[str, Any], region: str) -> tuple[str, ...]:
    """Return the zones of an environment's network."""
    named = (values.get("network") or {}).get("zones")
    return tuple(named) if named else tuple(f"{region}{letter}" for letter in ZONES)
