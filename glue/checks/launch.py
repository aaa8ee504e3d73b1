"""The launch templates that node groups and compute environments start instances from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.checks import inventory

if TYPE_CHECKING:
    from glue.checks.context import Context


def launch_templates(context: Context) -> dict[str, dict[str, Any]]:
    """Return the versions in use, by the name of who uses them.

    A node group's key is `node-group/<name>`, a compute environment's `compute/<name>`.
    """

    def ask() -> dict[str, dict[str, Any]]:
        users = {
            f"node-group/{name}": group.get("launchTemplate") or {}
            for name, group in inventory.node_groups(context).items()
        }
        for name, compute in compute_environments(context).items():
            users[f"compute/{name}"] = (
                compute.get("computeResources", {}).get("launchTemplate") or {}
            )
        client = context.aws("ec2")
        found = {}
        for user, template in users.items():
            identifier = template.get("id") or template.get("launchTemplateId")
            known_as = template.get("name") or template.get("launchTemplateName")
            if not identifier and not known_as:
                continue
            which = (
                {"LaunchTemplateId": identifier} if identifier else {"LaunchTemplateName": known_as}
            )
            version = str(template.get("version") or "$Default")
            answer = client.describe_launch_template_versions(Versions=[version], **which)
            found[user] = answer["LaunchTemplateVersions"][0]
        return found

    found: dict[str, dict[str, Any]] = context.once("launch templates", ask)
    return found


def compute_environments(context: Context) -> dict[str, dict[str, Any]]:
    """Return Batch's descriptions of the environment's compute environments by name."""

    def ask() -> dict[str, dict[str, Any]]:
        named = inventory.output(context, "batch", "compute_environments") or {}
        wanted = {one["name"] for one in named.values()}
        arns = inventory.tagged(context, "batch:compute-environment/")
        wanted |= {arn.rpartition("/")[2] for arn in arns}
        if not wanted:
            return {}
        described = inventory.pages(
            context.aws("batch"), "describe_compute_environments", "computeEnvironments"
        )
        return {
            one["computeEnvironmentName"]: one
            for one in described
            if one["computeEnvironmentName"] in wanted
        }

    found: dict[str, dict[str, Any]] = context.once("compute environments", ask)
    return found
