"""Kubernetes is a version that still gets patches, in the control plane and on the nodes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "versions"
# After standard support EKS asks six times the price, and in the end upgrades by itself.
WARNING = timedelta(days=60)

SUPPORT = Check(
    NAME, "kubernetes-version", "high",
    f"a version whose standard support goes on for {WARNING.days} days",
    "raise cluster.kubernetes.version in ENV.tfvars by one; plan, apply, check, then the nodes",
)  # fmt: skip
NODES = Check(
    NAME, "node-group-version", "medium", "nodes run the control plane's version",
    "plan and apply again: node groups follow once the control plane is done", "EKS",
)  # fmt: skip
ADDONS = Check(
    NAME, "cluster-addon", "high", "the add-on is ACTIVE, without an issue",
    "read the issue; set a version that fits the cluster's in cluster.addons of ENV.tfvars", "EKS",
)  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask the cluster, its node groups and its add-ons."""
    cluster = inventory.cluster(context)
    if cluster is None:
        return
    yield from SUPPORT.each(context, {cluster["name"]: cluster}, lambda one: _support(context, one))
    yield from NODES.each(
        context, inventory.node_groups(context), lambda group: _same(cluster, group)
    )
    client, name = context.aws("eks"), cluster["name"]
    addons = list(inventory.pages(client, "list_addons", "addons", clusterName=name))
    yield from ADDONS.each(context, addons, lambda addon: _addon(client, name, addon))


def _support(context: Context, cluster: dict[str, Any]) -> Finding:
    from glue.kubernetes_versions import SUPPORT as DATES
    from glue.kubernetes_versions import days_of_standard_support, supported

    version, today = cluster["version"], context.now().date()
    left = days_of_standard_support(version, today)
    if left is None:
        return Finding(False, f"{version}, of which glue/kubernetes_versions.py says nothing")
    found = f"{version}, standard support until {DATES[version].standard_until} ({left} days)"
    if left > WARNING.days:
        return Finding(True, found)
    return Finding(False, f"{found}; supported are {', '.join(supported(today))}")


def _same(cluster: dict[str, Any], group: dict[str, Any]) -> Finding:
    found = group.get("version")
    return Finding(
        found == cluster["version"], f"nodes {found}, control plane {cluster['version']}"
    )


def _addon(client: Any, cluster: str, name: str) -> Finding:
    found = client.describe_addon(clusterName=cluster, addonName=name)["addon"]
    issues = [f"{i['code']}: {i.get('message')}" for i in found.get("health", {}).get("issues", [])]
    text = "; ".join([f"{found.get('addonVersion')} {found['status']}", *issues])
    return Finding(found["status"] == "ACTIVE" and not issues, text)


SUBJECT = Subject(NAME, "Kubernetes: supported versions, add-ons.", ask, (SUPPORT, NODES, ADDONS))
