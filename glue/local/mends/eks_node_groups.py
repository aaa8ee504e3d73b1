"""EKS node groups: with their launch template, their Auto Scaling group, and updates.

MiniStack 1.5.33 forgets a node group's launch template and update configuration, names an
Auto Scaling group that does not exist, and knows neither UpdateNodegroupConfig nor
UpdateNodegroupVersion. Here the Auto Scaling group is made and kept in step, with the tags
that EKS sets, so that its own tags (scaling from zero) can be set and read. Sizes are checked
as AWS checks them. Its instances are records: nothing runs.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from glue.local.mends.eks_clusters import completed, minor
from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glue.local.mends.eks_clusters import Answer

OK = 200
EXPECTED = {
    "_create_nodegroup": "dd503cc93fef",
    "_delete_nodegroup": "db283f5c0430",
}
EXPECTED_GROUPS = {
    "_create_asg": "ffb7c5314e52",
    "_delete_asg": "139107c11e88",
    "_reconcile_instances": "2272358babf7",
}
EXPECTED_TEMPLATES = {"_create_launch_template": "4a878e837a52"}

UPDATES = re.compile(
    r"/clusters/([A-Za-z0-9_-]+)/node-groups/([A-Za-z0-9_-]+)/(update-config|update-version)"
)


def wrong_size(scaling: dict[str, int]) -> str | None:
    """Return what AWS says of sizes that contradict each other, or None."""
    least, wanted, most = scaling["minSize"], scaling["desiredSize"], scaling["maxSize"]
    if most < 1:
        return "maxSize must be at least 1"
    if least > wanted:
        return f"Minimum capacity {least} can't be greater than desired size {wanted}"
    if wanted > most:
        return f"desired capacity {wanted} can't be greater than max size {most}"
    return None


def relabelled(labels: dict[str, str], change: dict[str, Any]) -> dict[str, str]:
    """Return labels after a change: some added or set, some removed."""
    removed = set(change.get("removeLabels") or ())
    kept = {key: value for key, value in labels.items() if key not in removed}
    return kept | (change.get("addOrUpdateLabels") or {})


def retainted(taints: list[dict[str, str]], change: dict[str, Any]) -> list[dict[str, str]]:
    """Return taints after a change; a taint is known by its key and effect."""

    def known_by(taint: dict[str, str]) -> tuple[str, str]:
        return taint["key"], taint["effect"]

    removed = {known_by(taint) for taint in change.get("removeTaints") or ()}
    kept = {known_by(taint): taint for taint in taints if known_by(taint) not in removed}
    kept |= {known_by(taint): taint for taint in change.get("addOrUpdateTaints") or ()}
    return list(kept.values())


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend node groups. Raises MendError if it is another emulator."""
    from ministack.services import autoscaling, ec2, eks

    expect(eks, EXPECTED)
    expect(autoscaling, EXPECTED_GROUPS)
    expect(ec2, EXPECTED_TEMPLATES)
    groups = _ScalingGroups(autoscaling, ec2)
    eks._create_nodegroup = _creating(eks, ec2, groups, eks._create_nodegroup)
    eks._delete_nodegroup = _deleting(eks, groups, eks._delete_nodegroup)
    eks._handle_request_sync = _routing(eks, ec2, groups, eks._handle_request_sync)


class _ScalingGroups:
    """The Auto Scaling groups behind node groups."""

    def __init__(self, autoscaling: Any, ec2: Any) -> None:
        self._autoscaling = autoscaling
        self._ec2 = ec2

    def make(self, name: str, group: dict[str, Any]) -> None:
        """Make a node group's Auto Scaling group with the tags that EKS sets."""
        cluster, scaling = group["clusterName"], group["scalingConfig"]
        tags = {
            "eks:cluster-name": cluster,
            "eks:nodegroup-name": group["nodegroupName"],
            "k8s.io/cluster-autoscaler/enabled": "true",
            f"k8s.io/cluster-autoscaler/{cluster}": "owned",
            f"kubernetes.io/cluster/{cluster}": "owned",
        }
        subnets = [self._ec2._subnets.get(subnet) or {} for subnet in group["subnets"]]
        zones = sorted({s["AvailabilityZone"] for s in subnets if s.get("AvailabilityZone")})
        parameters = {
            "AutoScalingGroupName": name,
            "MinSize": str(scaling["minSize"]),
            "MaxSize": str(scaling["maxSize"]),
            "DesiredCapacity": str(scaling["desiredSize"]),
            "VPCZoneIdentifier": ",".join(group["subnets"]),
        }
        parameters |= {f"AvailabilityZones.member.{i}": zone for i, zone in enumerate(zones, 1)}
        for index, (key, value) in enumerate(tags.items(), 1):
            parameters |= {
                f"Tags.member.{index}.Key": key,
                f"Tags.member.{index}.Value": value,
                f"Tags.member.{index}.PropagateAtLaunch": "true",
            }
        if template := group.get("launchTemplate"):
            parameters["LaunchTemplate.LaunchTemplateId"] = template["id"]
            parameters["LaunchTemplate.Version"] = template["version"]
        self._autoscaling._create_asg(parameters)

    def resize(self, group: dict[str, Any]) -> None:
        """Give a node group's Auto Scaling group the node group's sizes."""
        scaling = group["scalingConfig"]
        for entry in group["resources"]["autoScalingGroups"]:
            record = self._autoscaling._asgs.get(entry["name"])
            if record is not None:
                record["MinSize"], record["MaxSize"] = scaling["minSize"], scaling["maxSize"]
                record["DesiredCapacity"] = scaling["desiredSize"]
                self._autoscaling._reconcile_instances(record)

    def delete(self, group: dict[str, Any]) -> None:
        """Delete a node group's Auto Scaling group."""
        for entry in group["resources"]["autoScalingGroups"]:
            self._autoscaling._delete_asg({"AutoScalingGroupName": entry["name"]})


def _refused(eks: Any, message: str) -> Answer:
    answer: Answer = eks._error(400, "InvalidParameterException", message)
    return answer


def _template(ec2: Any, given: dict[str, str]) -> dict[str, str] | None:
    """Return a launch template's id, name and version, or None if there is no such template."""
    for template in ec2._launch_templates.values():
        names = (template["LaunchTemplateId"], template["LaunchTemplateName"])
        if (given.get("id") or given.get("name")) in names:
            version = given.get("version") or str(template["DefaultVersionNumber"])
            return {"id": names[0], "name": names[1], "version": version}
    return None


def _creating(
    eks: Any, ec2: Any, groups: _ScalingGroups, original: Callable[..., Answer]
) -> Callable[..., Answer]:
    def create(cluster_name: str, body: dict[str, Any]) -> Answer:
        scaling = {"minSize": 1, "maxSize": 2, "desiredSize": 2} | (body.get("scalingConfig") or {})
        if wrong := wrong_size(scaling):
            return _refused(eks, wrong)
        given = body.get("launchTemplate")
        template = _template(ec2, given) if given else None
        if given and template is None:
            return _refused(eks, f"Launch template {given} does not exist")
        if template and "diskSize" in body:
            return _refused(eks, "Disk size must be specified within the launch template.")
        answer = original(cluster_name, body | {"scalingConfig": scaling})
        if answer[0] != OK:
            return answer
        group = eks._nodegroups[f"{cluster_name}/{body['nodegroupName']}"]
        group["updateConfig"] = body.get("updateConfig") or {"maxUnavailable": 1}
        group["releaseVersion"] = body.get("releaseVersion") or f"{group['version']}.0-20261101"
        if "remoteAccess" not in body:
            del group["resources"]["remoteAccessSecurityGroup"]
        if template:
            group["launchTemplate"] = template
            del group["diskSize"]
        for entry in group["resources"]["autoScalingGroups"]:
            groups.make(entry["name"], group)
        described: Answer = eks._json_resp(OK, {"nodegroup": group})
        return described

    return create


def _deleting(
    eks: Any, groups: _ScalingGroups, original: Callable[..., Answer]
) -> Callable[..., Answer]:
    def delete(cluster_name: str, name: str) -> Answer:
        group = eks._nodegroups.get(f"{cluster_name}/{name}")
        if group is not None:
            groups.delete(group)
        return original(cluster_name, name)

    return delete


def _routing(
    eks: Any, ec2: Any, groups: _ScalingGroups, original: Callable[..., Answer]
) -> Callable[..., Answer]:
    def handle(method: str, path: str, headers: Any, data: bytes, query: dict[str, Any]) -> Answer:
        found = UPDATES.fullmatch(path)
        if found is None or method != "POST":
            return original(method, path, headers, data, query)
        group = eks._nodegroups.get(f"{found[1]}/{found[2]}")
        if group is None:
            message = f"No node group found for name: {found[2]}."
            missing: Answer = eks._error(404, "ResourceNotFoundException", message)
            return missing
        cluster = eks._clusters[found[1]]
        body = json.loads(data) if data else {}
        if found[3] == "update-config":
            return _update_config(eks, groups, cluster, group, body)
        return _update_version(eks, ec2, cluster, group, body)

    return handle


def _update_config(
    eks: Any,
    groups: _ScalingGroups,
    cluster: dict[str, Any],
    group: dict[str, Any],
    body: dict[str, Any],
) -> Answer:
    """Answer UpdateNodegroupConfig: sizes, labels, taints, how many at once."""
    scaling = group["scalingConfig"] | (body.get("scalingConfig") or {})
    if wrong := wrong_size(scaling):
        return _refused(eks, wrong)
    group["scalingConfig"] = scaling
    groups.resize(group)
    group["labels"] = relabelled(group["labels"], body.get("labels") or {})
    group["taints"] = retainted(group["taints"], body.get("taints") or {})
    for name in ("updateConfig", "nodeRepairConfig"):
        if name in body:
            group[name] = body[name]
    group["modifiedAt"] = eks._now()
    changed = {k: v for k, v in body.items() if k != "clientRequestToken"}
    return completed(eks, cluster, "ConfigUpdate", changed)


def _update_version(
    eks: Any, ec2: Any, cluster: dict[str, Any], group: dict[str, Any], body: dict[str, Any]
) -> Answer:
    """Answer UpdateNodegroupVersion: Kubernetes, image or launch template of the nodes."""
    version = body.get("version") or group["version"]
    if minor(version) > minor(cluster["version"]):
        return _refused(eks, f"Nodes cannot be newer than their cluster: {cluster['version']}")
    if minor(version) < minor(group["version"]):
        return _refused(eks, f"Nodes cannot go back from {group['version']} to {version}")
    given = body.get("launchTemplate")
    template = _template(ec2, given) if given else None
    if given and template is None:
        return _refused(eks, f"Launch template {given} does not exist")
    if template:
        group["launchTemplate"] = template
    if version != group["version"]:
        group["version"], group["releaseVersion"] = version, f"{version}.0-20261101"
    if body.get("releaseVersion"):
        group["releaseVersion"] = body["releaseVersion"]
    group["modifiedAt"] = eks._now()
    changed = {k: v for k, v in body.items() if k != "clientRequestToken"}
    return completed(eks, cluster, "VersionUpdate", changed)
