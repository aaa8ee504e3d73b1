"""Who may do what: access entries as EKS keeps them, each with one of AWS's access policies.

They are read from the local EKS, where the product's own Terraform puts them, and from a file
`access.json` of the stand-in's home folder: `[{"principal_arn", "policy", "namespaces"}]`.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from glue.local.kubernetes.problems import forbidden

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE = "access.json"
KEPT_SECONDS = 5.0
Policy = Literal["view", "edit", "admin", "cluster-admin"]
POLICIES: dict[str, Policy] = {
    "AmazonEKSViewPolicy": "view",
    "AmazonEKSEditPolicy": "edit",
    "AmazonEKSAdminPolicy": "admin",
    "AmazonEKSClusterAdminPolicy": "cluster-admin",
}
READING = frozenset({"get", "list"})
# What edit and admin may change of what there is here. Events they only read. Who may view may
# view all but Secrets: those open other doors.
CHANGED = frozenset({"jobs", "pods", "secrets"})
UNSEEN = "secrets"
SESSION = re.compile(
    r"arn:(?P<partition>[^:]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.+"
)


class Entry(BaseModel):
    """What one principal may do, in some namespaces or in all."""

    model_config = ConfigDict(frozen=True)

    principal_arn: str
    policy: Policy
    namespaces: frozenset[str] | None = None

    def allows(self, arn: str, verb: str, resource: str, namespace: str) -> bool:
        """Tell whether this entry lets somebody do something."""
        if not is_same(self.principal_arn, arn):
            return False
        if self.namespaces is not None and namespace not in self.namespaces:
            return False
        if self.policy == "view":
            return verb in READING and resource != UNSEEN
        return verb in READING or self.policy == "cluster-admin" or resource in CHANGED


def is_same(principal: str, arn: str) -> bool:
    """Tell whether an access entry's principal is who STS says somebody is.

    STS names a session of a role, without the role's path.
    """
    session = SESSION.fullmatch(arn)
    if session is None:
        return principal == arn
    start = f"arn:{session['partition']}:iam::{session['account']}:role/"
    return principal.startswith(start) and principal.rsplit("/", 1)[-1] == session["role"]


def from_file(home: Path) -> list[Entry]:
    """Return the entries of the file, none when there is no file."""
    path = home / FILE
    if not path.exists():
        return []
    return [Entry.model_validate(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]


def from_eks(client: Any, cluster: str) -> list[Entry]:
    """Return the entries of a cluster that EKS knows, none when it knows no such cluster.

    `client` is a boto3 client for EKS.
    """
    found = []
    try:
        pages = client.get_paginator("list_access_entries").paginate(clusterName=cluster)
        principals = [arn for page in pages for arn in page["accessEntries"]]
    except client.exceptions.ResourceNotFoundException:
        return []
    for principal in principals:
        asked = {"clusterName": cluster, "principalArn": principal}
        for page in client.get_paginator("list_associated_access_policies").paginate(**asked):
            for policy in page["associatedAccessPolicies"]:
                word = POLICIES.get(policy["policyArn"].rsplit("/", 1)[-1])
                scope = policy["accessScope"]
                spaces = frozenset(scope["namespaces"]) if scope["type"] == "namespace" else None
                if word is not None:
                    found.append(Entry(principal_arn=principal, policy=word, namespaces=spaces))
    return found


class Access:
    """All entries, looked up anew every few seconds."""

    def __init__(self, home: Path, further: Callable[[], list[Entry]] = list) -> None:
        self._home, self._further = home, further
        self._held: list[Entry] = []
        self._until = 0.0

    def require(self, arn: str, verb: str, resource: str, namespace: str) -> None:
        """Raise Problem 403 unless somebody may do something. Blocks while entries are read."""
        if time.monotonic() >= self._until:
            self._held = [*from_file(self._home), *self._further()]
            self._until = time.monotonic() + KEPT_SECONDS
        if any(entry.allows(arn, verb, resource, namespace) for entry in self._held):
            return
        # One that was added a moment ago counts at the next try.
        self._until = 0.0
        name, group = ("jobs.batch", "batch") if resource == "jobs" else (resource, "")
        raise forbidden(
            f'{name} is forbidden: User "{arn}" cannot {verb} resource "{resource}" '
            f'in API group "{group}" in the namespace "{namespace}"'
        )
