"""Node groups: GPUs start from nothing when a pod asks for one, and pods get no credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.launch import launch_templates
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "nodes"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"
EKS = "EKS"
GPU = "nvidia.com/gpu"
TEMPLATE = "k8s.io/cluster-autoscaler/node-template"
# What a taint's effect is called in EKS and in Kubernetes.
EFFECTS = {
    "NO_SCHEDULE": "NoSchedule",
    "NO_EXECUTE": "NoExecute",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
}

TAGS = Check(
    NAME, "node-group-autoscaling-tags", "high",
    "its Auto Scaling group has a tag for every label, every taint and the GPUs of a node: from "
    "these alone the autoscaler knows what a group without a node would give",
    "put the tags on the Auto Scaling group, not on the node group: " + PLAN, EKS,
)  # fmt: skip
MINIMUM = Check(
    NAME, "node-group-gpu-min-zero", "high", "a GPU group may shrink to no node at all",
    "set min to 0 in cluster.gpu_node_groups of ENV.tfvars", EKS,
)  # fmt: skip
HEALTH = Check(
    NAME, "node-group-health", "critical", "ACTIVE, without an issue",
    "read the issue's text; `glue deploy plan --env ENV` if it is about our settings", EKS,
)  # fmt: skip
HOPS = Check(
    NAME, "launch-template-hop-limit", "critical",
    "instance metadata only by token (IMDSv2) and within one hop: no pod gets the "
    "node's credentials",
    "set metadata_options of the launch template (http_tokens required, hop limit 1): " + PLAN,
)  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask every node group, its Auto Scaling group and its launch template."""
    groups = inventory.node_groups(context)
    gpus = _gpus(context)
    yield from HEALTH.each(context, groups, _health)
    yield from TAGS.each(context, groups, lambda group: _tags(context, group, gpus))
    yield from MINIMUM.each(context, groups, lambda group: _minimum(group, gpus))
    yield from HOPS.each(context, launch_templates(context), _hops)
    # Without a launch template EKS gives its nodes two hops: one too many.
    bare = [name for name, group in groups.items() if not group.get("launchTemplate")]
    yield from HOPS.each(
        context,
        {f"node-group/{name}": name for name in bare},
        lambda _: Finding(False, "no launch template: EKS' own settings, with two hops"),
    )


def _gpus(context: Context) -> dict[str, int]:
    """Return the GPUs of a node by the node group's name, as the outputs say."""
    named = inventory.output(context, "cluster", "node_groups") or {}
    return {one["name"]: int(one.get("gpus") or 0) for one in named.values()}


def _has_gpus(group: Mapping[str, Any], gpus: Mapping[str, int]) -> bool:
    name = group["nodegroupName"]
    if name in gpus:
        return gpus[name] > 0
    return "NVIDIA" in str(group.get("amiType")) or "GPU" in str(group.get("amiType"))


def _health(group: dict[str, Any]) -> Finding:
    issues = [f"{i['code']}: {i.get('message')}" for i in group.get("health", {}).get("issues", [])]
    found = "; ".join([str(group.get("status")), *issues])
    return Finding(group.get("status") == "ACTIVE" and not issues, found)


def _minimum(group: dict[str, Any], gpus: dict[str, int]) -> Finding | None:
    if not _has_gpus(group, gpus):
        return None
    size = group["scalingConfig"]
    return Finding(size["minSize"] == 0, f"minimum {size['minSize']}, maximum {size['maxSize']}")


def wanted_tags(group: Mapping[str, Any], gpus: int) -> dict[str, str]:
    """Return the tags by which the autoscaler knows a node of a group that has none."""
    tags = {f"{TEMPLATE}/label/{k}": v for k, v in (group.get("labels") or {}).items()}
    for taint in group.get("taints") or []:
        effect = EFFECTS.get(taint["effect"], taint["effect"])
        tags[f"{TEMPLATE}/taint/{taint['key']}"] = f"{taint.get('value') or ''}:{effect}"
    if gpus:
        tags[f"{TEMPLATE}/resources/{GPU}"] = str(gpus)
    return tags


def _tags(context: Context, group: dict[str, Any], gpus: dict[str, int]) -> Finding | None:
    if not _has_gpus(group, gpus):
        return None  # a group that always has a node shows what it gives
    names = [one["name"] for one in group.get("resources", {}).get("autoScalingGroups", [])]
    if not names:
        return Finding(False, "no Auto Scaling group")
    client = context.aws("autoscaling")
    answer = client.describe_auto_scaling_groups(AutoScalingGroupNames=names)["AutoScalingGroups"]
    found = {tag["Key"]: tag.get("Value", "") for one in answer for tag in one.get("Tags", [])}
    name = group["nodegroupName"]
    wanted = wanted_tags(group, gpus.get(name, 0))
    wrong = [
        f"{key} is {found.get(key, 'missing')!r}, not {value!r}"
        for key, value in wanted.items()
        if found.get(key) != value
    ]
    if name not in gpus and not found.get(f"{TEMPLATE}/resources/{GPU}"):
        wrong.append(f"{TEMPLATE}/resources/{GPU} is missing")
    return Finding(not wrong, "; ".join(wrong) or f"{len(wanted)} tags on {', '.join(names)}")


def _hops(template: dict[str, Any]) -> Finding:
    options = template["LaunchTemplateData"].get("MetadataOptions") or {}
    tokens, hops = (
        options.get("HttpTokens", "optional"),
        int(options.get("HttpPutResponseHopLimit", 2)),
    )
    if options.get("HttpEndpoint") == "disabled":
        return Finding(True, "no instance metadata at all")
    shown = f"version {template.get('VersionNumber')}: tokens {tokens}, hop limit {hops}"
    return Finding(tokens == "required" and hops == 1, shown)


SUBJECT = Subject(
    NAME, "Node groups: tags for scaling from zero, minimum, health, instance metadata.", ask,
    (HEALTH, TAGS, MINIMUM, HOPS),
)  # fmt: skip
