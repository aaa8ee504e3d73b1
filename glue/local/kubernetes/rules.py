"""The rules of the namespaces, read from the manifests that a real cluster is given."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import yaml

from glue.local.configuration import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

BASE = REPOSITORY / "kubernetes" / "base"
LEVEL = "pod-security.kubernetes.io/enforce"
AMOUNT = re.compile(r"(?P<number>[0-9.]+)(?P<unit>m|[KMGTPE]i?|k)?")
UNITS = {"m": Decimal("0.001"), "k": Decimal(1000)} | {
    prefix + binary: Decimal(1024 if binary else 1000) ** power
    for power, prefix in enumerate("KMGTPE", start=1)
    for binary in ("", "i")
}


def amount(text: Any) -> Decimal:
    """Return a quantity such as 500m, 2, or 128Gi as a number."""
    found = AMOUNT.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text!r} is no quantity; write for example 500m, 2 or 4Gi")
    return Decimal(found["number"]) * UNITS.get(found["unit"] or "", Decimal(1))


@dataclass
class Namespace:
    """What holds for the pods of one namespace."""

    level: str = "privileged"
    quota: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)  # limits of a container without any
    default_requests: dict[str, str] = field(default_factory=dict)
    most: dict[str, str] = field(default_factory=dict)  # that one container may ask for


@dataclass
class Rules:
    """All namespaces, and the priority classes there are, with their values."""

    namespaces: dict[str, Namespace]
    priorities: dict[str, int]


def read(base: Path = BASE) -> Rules:
    """Read the manifests of a folder such as kubernetes/base."""
    rules = Rules({}, {})
    documents = [
        (path.parent.name, document)
        for path in sorted(base.glob("*/*.yaml"))
        if path.name != "kustomization.yaml"
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        if document
    ]
    for _, document in documents:
        if document["kind"] == "Namespace":
            labels = document["metadata"].get("labels", {})
            rules.namespaces[document["metadata"]["name"]] = Namespace(
                labels.get(LEVEL, "privileged")
            )
        elif document["kind"] == "PriorityClass":
            rules.priorities[document["metadata"]["name"]] = int(document["value"])
    for folder, document in documents:
        # Kustomize gives what lies in `jobs` the namespace of that name.
        namespace = rules.namespaces.get(document["metadata"].get("namespace", folder))
        if namespace is None:
            continue
        if document["kind"] == "ResourceQuota":
            namespace.quota |= {name: str(most) for name, most in document["spec"]["hard"].items()}
        elif document["kind"] == "LimitRange":
            for limits in document["spec"]["limits"]:
                if limits["type"] == "Container":
                    namespace.defaults |= limits.get("default", {})
                    namespace.default_requests |= limits.get("defaultRequest", {})
                    namespace.most |= limits.get("max", {})
    return rules
