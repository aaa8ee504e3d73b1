"""Batch and Kubernetes: everything that runs is ended before Terraform comes."""

from __future__ import annotations

from typing import Any

import pytest

from glue.deploy.drain import batch, cluster
from glue.errors import Conflict
from tests.unit.deploy.drain.drains import Service, draining, failing, made

QUEUE = "arn:aws:batch:eu-central-1:1:job-queue/train"
COMPUTE = "arn:aws:batch:eu-central-1:1:compute-environment/gpu"
STATE = (
    made("aws_batch_job_queue", arn=QUEUE),
    made("aws_batch_compute_environment", arn=COMPUTE),
)


class FakeBatch(Service):
    """Two jobs, one of them an array whose children show only after a while."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, list[str]] = {"RUNNING": ["a", "array"], "STARTING": []}
        self.queue = "ENABLED"
        self.compute = {"state": "ENABLED", "status": "VALID"}
        self.ends = True

    def describe_job_queues(self, jobQueues: list[str]) -> Any:  # noqa: N803
        return {"jobQueues": [{"jobQueueName": "train", "state": self.queue}]}

    def update_job_queue(self, jobQueue: str, state: str) -> None:  # noqa: N803
        self.queue = state

    def list_jobs(self, jobQueue: str, jobStatus: str) -> Any:  # noqa: N803
        assert self.queue == "DISABLED", "no new job may come while the others are stopped"
        names = self.jobs.get(jobStatus, [])
        return {"jobSummaryList": [{"jobId": name, "jobName": name} for name in names]}

    def terminate_job(self, jobId: str, reason: str) -> None:  # noqa: N803
        assert reason
        if not self.ends:
            return
        next(names for names in self.jobs.values() if jobId in names).remove(jobId)
        if jobId == "array":
            self.jobs["STARTING"] = ["array:0"]

    def describe_compute_environments(self, computeEnvironments: list[str]) -> Any:  # noqa: N803
        seen = dict(self.compute)
        self.compute["status"] = "VALID"
        return {"computeEnvironments": [seen | {"computeEnvironmentName": "gpu"}]}

    def update_compute_environment(self, computeEnvironment: str, state: str) -> None:  # noqa: N803
        assert self.compute["status"] != "UPDATING", "resource is being modified"
        assert not any(self.jobs.values()), "machines are needed until the last job has ended"
        self.compute = {"state": state, "status": "UPDATING"}


def test_every_job_is_stopped_and_nothing_can_start() -> None:
    service = FakeBatch()
    context, lines = draining({"batch": service}, *STATE)
    batch.drain(context)
    assert service.queue == "DISABLED"
    assert service.compute == {"state": "DISABLED", "status": "VALID"}
    assert context.counts == {"stopped_jobs": 3}
    assert lines == [
        "queue train: takes no more jobs",
        "job a: stopped",
        "job array: stopped",
        "job array:0: stopped",
        "compute environment gpu: starts no more machines",
    ]
    # A second run finds nothing to do.
    again, lines = draining({"batch": service}, *STATE)
    batch.drain(again)
    assert lines == []
    assert again.counts == {}


def test_a_change_that_is_under_way_is_waited_for() -> None:
    service = FakeBatch()
    service.jobs = {}
    service.compute["status"] = "UPDATING"
    context, _ = draining({"batch": service}, *STATE)
    batch.drain(context)
    assert service.compute["state"] == "DISABLED"


def test_a_job_that_does_not_end_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "JOBS_SECONDS", 0.0)
    service = FakeBatch()
    service.ends = False
    context, _ = draining({"batch": service}, *STATE)
    with pytest.raises(Conflict, match=r"queue train: these jobs still run.*: a, array"):
        batch.drain(context)
    assert service.compute["state"] == "ENABLED"


def test_what_is_gone_needs_no_drain() -> None:
    service = Service(
        describe_job_queues={"jobQueues": []},
        describe_compute_environments={"computeEnvironments": []},
        list_jobs={"jobSummaryList": []},
    )
    context, lines = draining({"batch": service}, *STATE)
    batch.drain(context)
    assert lines == []


GROUP = made(
    "aws_eks_node_group",
    arn="arn:aws:eks:eu-central-1:1:nodegroup/c/gpu/1",
    cluster_name="c",
    node_group_name="gpu",
    resources=[{"autoscaling_groups": [{"name": "asg"}]}],
)
CLUSTER = made("aws_eks_cluster", arn="arn:aws:eks:eu-central-1:1:cluster/c", name="c")


def machines(*counts: int) -> Any:
    """Return an Auto Scaling that tells fewer and fewer machines."""
    left = list(counts)

    def describe(**_: Any) -> Any:
        number = left.pop(0) if len(left) > 1 else left[0]
        return {"AutoScalingGroups": [{"Instances": [{}] * number}]}

    return Service(describe_auto_scaling_groups=describe)


def node_group(minimum: int, desired: int, status: str = "ACTIVE") -> Any:
    scaling = {"minSize": minimum, "desiredSize": desired, "maxSize": 4}
    return {"nodegroup": {"status": status, "scalingConfig": scaling}}


def test_node_groups_are_scaled_to_zero() -> None:
    eks = Service(describe_nodegroup=node_group(1, 2))
    context, lines = draining({"eks": eks, "autoscaling": machines(2, 1, 0)}, GROUP)
    cluster.drain(context)
    asked = eks.called("update_nodegroup_config")[0]["scalingConfig"]
    assert asked == {"minSize": 0, "desiredSize": 0, "maxSize": 4}
    assert lines == ["node group gpu: scaled to zero"]
    assert context.counts == {"emptied_node_groups": 1}


def test_an_empty_group_is_left_alone() -> None:
    eks = Service(describe_nodegroup=node_group(0, 0))
    context, lines = draining({"eks": eks, "autoscaling": machines(0)}, GROUP)
    cluster.drain(context)
    assert eks.called("update_nodegroup_config") == []
    assert lines == []


@pytest.mark.parametrize(
    "answer", [node_group(1, 1, "DELETING"), failing("ResourceNotFoundException")]
)
def test_a_group_that_goes_or_is_gone(answer: Any) -> None:
    eks = Service(describe_nodegroup=answer)
    context, lines = draining({"eks": eks, "autoscaling": machines(1)}, GROUP)
    cluster.drain(context)
    assert eks.called("update_nodegroup_config") == []
    assert lines == []


def test_nodes_that_stay_are_left_to_terraform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "NODES_SECONDS", 0.0)
    eks = Service(describe_nodegroup=node_group(1, 1))
    context, lines = draining({"eks": eks, "autoscaling": machines(1)}, GROUP)
    cluster.drain(context)
    assert lines[-1] == "node group gpu: still has nodes, goes as it is"


@pytest.mark.parametrize(
    ("code", "told"), [("InvalidRequestException", 1), ("ResourceNotFoundException", 0)]
)
def test_a_group_that_cannot_be_scaled(code: str, told: int) -> None:
    eks = Service(describe_nodegroup=node_group(1, 1), update_nodegroup_config=failing(code))
    context, lines = draining({"eks": eks, "autoscaling": machines(1)}, GROUP)
    cluster.drain(context)
    assert len(lines) == told


def test_a_group_without_machines_of_its_own() -> None:
    group = made("aws_eks_node_group", cluster_name="c", node_group_name="gpu")
    eks = Service(describe_nodegroup=node_group(1, 1))
    context, _ = draining({"eks": eks}, group)
    cluster.drain(context)
    assert eks.called("update_nodegroup_config")


def test_load_balancers_of_services_go() -> None:
    balancers = [{"LoadBalancerArn": f"arn:{n}", "LoadBalancerName": f"lb{n}"} for n in range(3)]
    tags = [
        {"ResourceArn": "arn:0", "Tags": [{"Key": "elbv2.k8s.aws/cluster", "Value": "c"}]},
        {"ResourceArn": "arn:1", "Tags": [{"Key": "kubernetes.io/cluster/c", "Value": "owned"}]},
        {"ResourceArn": "arn:2", "Tags": [{"Key": "elbv2.k8s.aws/cluster", "Value": "other"}]},
    ]
    elbv2 = Service(
        describe_load_balancers=[{"LoadBalancers": balancers}],
        describe_tags={"TagDescriptions": tags},
    )
    context, lines = draining({"elbv2": elbv2}, CLUSTER)
    cluster.drain(context)
    assert [one["LoadBalancerArn"] for one in elbv2.called("delete_load_balancer")] == [
        "arn:0",
        "arn:1",
    ]
    assert context.counts == {"deleted_load_balancers": 2}
    assert lines[0] == "load balancer lb0: deleted, a service of c had made it"
