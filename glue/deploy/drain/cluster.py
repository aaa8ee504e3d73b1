"""Kubernetes: no node left, and nothing left of what its services made outside Terraform."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from glue.deploy.drain.context import is_absent, present

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glue.deploy.drain.context import Drain

# A node is given its time to move its pods away; deleting the group afterwards does not ask.
NODES_SECONDS = 900.0


def drain(context: Drain) -> None:
    """Delete the load balancers of services and scale every node group to zero.

    A group that does not get there in time is left to Terraform, which deletes it anyway.
    """
    for cluster in context.of("aws_eks_cluster"):
        _delete_balancers(context, cluster["arn"], cluster["name"])
    groups = list(context.of("aws_eks_node_group"))
    waiting = [values for values in groups if _scale_to_zero(context, values)]
    for values in waiting:
        if not context.until(partial(_is_empty, context, values), NODES_SECONDS):
            context.tell(f"node group {values['node_group_name']}: still has nodes, goes as it is")


def _scale_to_zero(context: Drain, values: Mapping[str, Any]) -> bool:
    """Ask for no nodes in a group; tell whether there is anything to wait for."""
    clusters = context.client("eks", values.get("arn", ""))
    cluster, name = values["cluster_name"], values["node_group_name"]
    found = present(clusters.describe_nodegroup, clusterName=cluster, nodegroupName=name)
    if found is None or found["nodegroup"]["status"] == "DELETING":
        return False
    scaling = found["nodegroup"].get("scalingConfig", {})
    if not scaling.get("minSize") and not scaling.get("desiredSize"):
        return not _is_empty(context, values)
    try:
        clusters.update_nodegroup_config(
            clusterName=cluster,
            nodegroupName=name,
            scalingConfig={
                "minSize": 0, "desiredSize": 0, "maxSize": max(1, scaling.get("maxSize", 1)),
            },
        )  # fmt: skip
    except ClientError as error:
        if not is_absent(error):
            context.tell(f"node group {name}: cannot be scaled to zero ({error}), goes as it is")
        return False
    context.count("emptied_node_groups")
    context.tell(f"node group {name}: scaled to zero")
    return True


def _is_empty(context: Drain, values: Mapping[str, Any]) -> bool:
    """Tell whether no machine of a node group is left."""
    names = [
        group["name"]
        for resource in values.get("resources") or ()
        for group in resource.get("autoscaling_groups") or ()
    ]
    if not names:
        return True
    answer = context.client("autoscaling", values.get("arn", "")).describe_auto_scaling_groups(
        AutoScalingGroupNames=names
    )
    return not any(group["Instances"] for group in answer["AutoScalingGroups"])


def _delete_balancers(context: Drain, arn: str, cluster: str) -> None:
    """Delete the load balancers that controllers in the cluster made: they hold its network."""
    balancers = context.client("elbv2", arn)
    pages = balancers.get_paginator("describe_load_balancers").paginate()
    found = {one["LoadBalancerArn"]: one for page in pages for one in page["LoadBalancers"]}
    everything = list(found)
    for start in range(0, len(everything), 20):  # the call takes no more
        answer = balancers.describe_tags(ResourceArns=everything[start : start + 20])
        for one in answer["TagDescriptions"]:
            tags = {tag["Key"]: tag["Value"] for tag in one["Tags"]}
            if tags.get("elbv2.k8s.aws/cluster") == cluster or (
                tags.get(f"kubernetes.io/cluster/{cluster}") == "owned"
            ):
                name = found[one["ResourceArn"]]["LoadBalancerName"]
                balancers.delete_load_balancer(LoadBalancerArn=one["ResourceArn"])
                context.count("deleted_load_balancers")
                context.tell(f"load balancer {name}: deleted, a service of {cluster} had made it")
