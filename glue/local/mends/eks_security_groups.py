"""A cluster's security group is there, in the network of the cluster.

MiniStack 1.5.33 makes up the group's id and says that the cluster stands in no network. On AWS
the group is real: rules can be added to it, and it comes and goes with the cluster.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Answer = tuple[int, dict[str, str], bytes]

OK = 200
EXPECTED = {"_new_sg_id": "41fa18095587", "_create_security_group": "4d57f1ff8e78"}

DESCRIPTION = (
    "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes,"
    " as well as any managed workloads."
)


def group_of(cluster: dict[str, Any], identifier: str, owner: str) -> dict[str, Any]:
    """Return the group that EKS makes for a cluster: all is open among its members."""
    everything = {"IpProtocol": "-1", "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": []}
    itself = {"GroupId": identifier, "UserId": owner}
    return {
        "GroupId": identifier,
        "GroupName": f"eks-cluster-sg-{cluster['name']}-{identifier[-9:]}",
        "Description": DESCRIPTION,
        "VpcId": cluster["resourcesVpcConfig"]["vpcId"],
        "OwnerId": owner,
        "IpPermissions": [{**everything, "UserIdGroupPairs": [itself]}],
        "IpPermissionsEgress": [
            {**everything, "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "UserIdGroupPairs": []}
        ],
    }


def tags_of(cluster: dict[str, Any], group: dict[str, Any]) -> list[dict[str, str]]:
    """Return the tags that EKS gives to the group; `aws:` ones can be set by AWS alone."""
    name = cluster["name"]
    tags = {
        "Name": group["GroupName"],
        "aws:eks:cluster-name": name,
        f"kubernetes.io/cluster/{name}": "owned",
    }
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend the clusters' groups. Raises MendError if it is another emulator."""
    from ministack.services import ec2, eks

    expect(ec2, EXPECTED)
    eks._create_cluster = _creating(eks, ec2, eks._create_cluster)
    eks._delete_cluster = _deleting(eks, ec2, eks._delete_cluster)


def _creating(eks: Any, ec2: Any, original: Callable[..., Answer]) -> Callable[..., Answer]:
    def create(body: dict[str, Any], creator_arn: str | None = None) -> Answer:
        answer = original(body, creator_arn)
        if answer[0] != OK:
            return answer
        cluster = eks._clusters[body["name"]]
        network = cluster["resourcesVpcConfig"]
        found = (ec2._subnets.get(subnet) for subnet in network["subnetIds"])
        network["vpcId"] = next((one["VpcId"] for one in found if one), network["vpcId"])
        identifier = ec2._new_sg_id()
        group = group_of(cluster, identifier, eks.get_account_id())
        ec2._security_groups[identifier] = group
        ec2._tags[identifier] = tags_of(cluster, group)
        network["clusterSecurityGroupId"] = identifier
        described: dict[str, Any] = json.loads(answer[2])
        described["cluster"]["resourcesVpcConfig"].update(network)
        changed: Answer = eks._json_resp(OK, described)
        return changed

    return create


def _deleting(eks: Any, ec2: Any, original: Callable[[str], Answer]) -> Callable[[str], Answer]:
    def delete(name: str) -> Answer:
        cluster = eks._clusters.get(name)
        answer = original(name)
        if answer[0] == OK and cluster:
            identifier = cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]
            ec2._security_groups.pop(identifier, None)
            ec2._tags.pop(identifier, None)
        return answer

    return delete
