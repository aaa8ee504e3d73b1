"""Batch and the cluster: what jobs run on."""

from __future__ import annotations

from typing import Any

from glue.checks.subjects import batch, nodes, versions
from tests.unit.checks.fake import NOW, Fault, World, arn, of, tagged

DEFINITION = arn("batch", "job-definition/staging-evaluate:3")
USABLE = {"state": "ENABLED", "status": "VALID"}


def computes(**more: Any) -> dict[str, Any]:
    one = USABLE | {
        "computeEnvironmentName": "staging-gpu",
        "computeResources": {"type": "SPOT", "minvCpus": 0, "maxvCpus": 64, "subnets": []},
        "computeEnvironmentArn": arn("batch", "compute-environment/staging-gpu"),
    }
    fargate = {
        "computeEnvironmentName": "staging-cpu",
        "computeResources": {"type": "FARGATE_SPOT", "maxvCpus": 64, "subnets": []},
        "computeEnvironmentArn": arn("batch", "compute-environment/staging-cpu"),
    }
    return {"computeEnvironments": [one | more, USABLE | fargate]}


def job_queues(*computes_in_order: str, **more: Any) -> dict[str, Any]:
    order = [
        {"order": n, "computeEnvironment": arn("batch", f"compute-environment/{name}")}
        for n, name in enumerate(computes_in_order)
    ]
    one = {
        "jobQueueName": "staging-high", "jobQueueArn": arn("batch", "job-queue/staging-high"),
        "priority": 1, "computeEnvironmentOrder": order,
    }  # fmt: skip
    return {"jobQueues": [USABLE | one | more]}


def definition(**more: Any) -> dict[str, Any]:
    one = {
        "jobDefinitionName": "staging-evaluate", "jobDefinitionArn": DEFINITION, "revision": 3,
        "type": "container", "status": "ACTIVE",
    }  # fmt: skip
    return {"jobDefinitions": [one | more]}


BATCH = World(
    batch.SUBJECT,
    {
        "batch": {
            "compute_environments": {
                "gpu": {"name": "staging-gpu"},
                "cpu": {"name": "staging-cpu"},
            },
            "job_queues": {"high": {"name": "staging-high"}},
            "job_definitions": {"evaluate": {"name": "staging-evaluate", "arn": DEFINITION}},
        }
    },
    {
        ("resourcegroupstaggingapi", "GetResources"): tagged(),
        ("batch", "DescribeComputeEnvironments"): computes(),
        ("batch", "DescribeJobQueues"): job_queues("staging-gpu", "staging-cpu"),
        ("batch", "DescribeJobDefinitions"): definition(),
    },
    {
        "compute-environment-valid": {
            "invalid": Fault(
                {
                    ("batch", "DescribeComputeEnvironments"): computes(
                        status="INVALID", statusReason="role"
                    )
                }
            ),
            "disabled": Fault(
                {("batch", "DescribeComputeEnvironments"): computes(state="DISABLED")}
            ),
        },
        "compute-environment-min-vcpus": {
            "idle instances": Fault(
                {
                    ("batch", "DescribeComputeEnvironments"): computes(
                        computeResources={
                            "type": "EC2",
                            "minvCpus": 4,
                            "maxvCpus": 8,
                            "subnets": [],
                        }
                    )
                }
            )
        },
        "job-queue-enabled": {
            "disabled": Fault(
                {("batch", "DescribeJobQueues"): job_queues("staging-gpu", state="DISABLED")}
            )
        },
        "job-queue-order": {
            "nowhere": Fault({("batch", "DescribeJobQueues"): job_queues()}),
            "to nothing": Fault({("batch", "DescribeJobQueues"): job_queues("gone")}),
            "to an invalid one": Fault(
                {("batch", "DescribeComputeEnvironments"): computes(status="INVALID")}
            ),
        },
        "job-definition-active": {
            "inactive": Fault({("batch", "DescribeJobDefinitions"): definition(status="INACTIVE")}),
            "gone": Fault({("batch", "DescribeJobDefinitions"): {"jobDefinitions": []}}),
        },
    },
)

TEMPLATE = nodes.TEMPLATE
SCALING = {
    f"{TEMPLATE}/label/workload": "evaluation",
    f"{TEMPLATE}/taint/nvidia.com/gpu": "present:NoSchedule",
    f"{TEMPLATE}/resources/nvidia.com/gpu": "1",
}


def scaling(tags: dict[str, str]) -> dict[str, Any]:
    shown = [{"Key": key, "Value": value} for key, value in tags.items()]
    one = {
        "AutoScalingGroupName": "eks-gpu", "MinSize": 0, "MaxSize": 4, "DesiredCapacity": 0,
        "DefaultCooldown": 300, "AvailabilityZones": [], "HealthCheckType": "EC2", "Tags": shown,
        "CreatedTime": NOW,
    }  # fmt: skip
    return {"AutoScalingGroups": [one]}


def without(part: str) -> dict[str, str]:
    return {key: value for key, value in SCALING.items() if part not in key}


def node_group(**more: Any) -> dict[str, Any]:
    return {
        "nodegroup": {
            "nodegroupName": "staging-gpu", "status": "ACTIVE", "amiType": "AL2023_x86_64_NVIDIA",
            "version": "1.36", "health": {"issues": []}, "labels": {"workload": "evaluation"},
            "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
            "resources": {"autoScalingGroups": [{"name": "eks-gpu"}]},
            "scalingConfig": {"minSize": 0, "maxSize": 4, "desiredSize": 0},
            "launchTemplate": {"id": "lt-1", "version": "3"}, **more,
        }
    }  # fmt: skip


def metadata(**options: Any) -> dict[str, Any]:
    return {
        "LaunchTemplateVersions": [
            {"VersionNumber": 3, "LaunchTemplateData": {"MetadataOptions": options}}
        ]
    }


CLUSTER_OUTPUTS = {
    "cluster": {"name": "staging", "node_groups": {"gpu": {"name": "staging-gpu", "gpus": 1}}}
}
ISSUE = {"code": "AsgInstanceLaunchFailures", "message": "no capacity", "resourceIds": []}
NODES = World(
    nodes.SUBJECT,
    CLUSTER_OUTPUTS,
    {
        ("resourcegroupstaggingapi", "GetResources"): tagged(),
        ("eks", "DescribeCluster"): {"cluster": {"name": "staging", "version": "1.36"}},
        ("eks", "ListNodegroups"): {"nodegroups": ["staging-gpu"]},
        ("eks", "DescribeNodegroup"): node_group(),
        ("autoscaling", "DescribeAutoScalingGroups"): scaling(SCALING),
        ("ec2", "DescribeLaunchTemplateVersions"): metadata(
            HttpTokens="required", HttpPutResponseHopLimit=1
        ),
    },
    {
        "node-group-autoscaling-tags": {
            f"no {part}": Fault(
                {("autoscaling", "DescribeAutoScalingGroups"): scaling(without(part))}
            )
            for part in ("label", "taint", "resources")
        }
        | {
            "another number of GPUs": Fault(
                outputs={
                    "cluster": {
                        "name": "staging",
                        "node_groups": {"gpu": {"name": "staging-gpu", "gpus": 4}},
                    }
                }
            ),
            "not in the outputs, no GPUs": Fault(
                {("autoscaling", "DescribeAutoScalingGroups"): scaling(without("resources"))},
                {"cluster": {"name": "staging"}},
            ),
            "no group": Fault({("eks", "DescribeNodegroup"): node_group(resources={})}),
        },
        "node-group-gpu-min-zero": {
            "one always": Fault(
                {
                    ("eks", "DescribeNodegroup"): node_group(
                        scalingConfig={"minSize": 1, "maxSize": 4}
                    )
                }
            )
        },
        "node-group-health": {
            "an issue": Fault(
                {("eks", "DescribeNodegroup"): node_group(health={"issues": [ISSUE]})}
            ),
            "degraded": Fault({("eks", "DescribeNodegroup"): node_group(status="DEGRADED")}),
        },
        "launch-template-hop-limit": {
            "two hops": Fault(
                {
                    ("ec2", "DescribeLaunchTemplateVersions"): metadata(
                        HttpTokens="required", HttpPutResponseHopLimit=2
                    )
                }
            ),
            "without a token": Fault(
                {
                    ("ec2", "DescribeLaunchTemplateVersions"): metadata(
                        HttpTokens="optional", HttpPutResponseHopLimit=1
                    )
                }
            ),
            "AWS's own": Fault({("eks", "DescribeNodegroup"): node_group(launchTemplate={})}),
        },
    },
)


def addon(**more: Any) -> dict[str, Any]:
    one = {
        "addonName": "vpc-cni",
        "addonVersion": "v1",
        "status": "ACTIVE",
        "health": {"issues": []},
    }
    return {"addon": one | more}


def version(number: str) -> dict[str, Any]:
    return {"cluster": {"name": "staging", "version": number}}


VERSIONS = World(
    versions.SUBJECT,
    CLUSTER_OUTPUTS,
    {
        ("resourcegroupstaggingapi", "GetResources"): tagged(),
        ("eks", "DescribeCluster"): version("1.36"),
        ("eks", "ListNodegroups"): {"nodegroups": ["staging-gpu"]},
        ("eks", "DescribeNodegroup"): of("nodegroupName", {"staging-gpu": node_group()}),
        ("eks", "ListAddons"): {"addons": ["vpc-cni"]},
        ("eks", "DescribeAddon"): addon(),
    },
    {
        "kubernetes-version": {
            "supported no more": Fault({("eks", "DescribeCluster"): version("1.33")}),
            "supported for some days": Fault({("eks", "DescribeCluster"): version("1.34")}),
            "nobody knows": Fault({("eks", "DescribeCluster"): version("1.99")}),
        },
        "node-group-version": {
            "behind": Fault({("eks", "DescribeNodegroup"): node_group(version="1.35")})
        },
        "cluster-addon": {
            "degraded": Fault({("eks", "DescribeAddon"): addon(status="DEGRADED")}),
            "an issue": Fault(
                {
                    ("eks", "DescribeAddon"): addon(
                        health={"issues": [{"code": "ConfigurationConflict", "message": "x"}]}
                    )
                }
            ),
        },
    },
)

WORLDS = (BATCH, NODES, VERSIONS)
