"""Compute environments, queues, definitions, policies and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from glue.local.batch import compute_environments, definitions, policies, queues, tags, validation
from glue.local.batch.errors import ClientError
from glue.local.batch.outside import Refused
from tests.unit.local.batch.conftest import (
    World,
    definition,
    environment,
    instances,
    properties,
    queue,
)

if TYPE_CHECKING:
    from glue.local.batch.engine import Engine
    from glue.local.batch.store import Region

ARN = "arn:aws:batch:eu-central-1:000000000000:"


def described(region: Region, name: str = "cpu") -> dict[str, Any]:
    found = compute_environments.describe(region, {"computeEnvironments": [name]})
    return dict(found["computeEnvironments"][0])


class TestComputeEnvironments:
    def test_one_is_described_as_aws_does(self, region: Region) -> None:
        instances(region, "gpu", 8)
        found = described(region, f"{ARN}compute-environment/gpu")
        assert (found["status"], found["state"], found["type"]) == ("VALID", "ENABLED", "MANAGED")
        assert found["computeEnvironmentArn"] == f"{ARN}compute-environment/gpu"
        assert found["serviceRole"].endswith("AWSServiceRoleForBatch")
        assert found["computeResources"]["minvCpus"] == 0
        assert found["computeResources"]["desiredvCpus"] == 0

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"instanceTypes": ["m5.large"]}, "instanceTypes must not be set"),
            ({"securityGroupIds": []}, "securityGroupIds must be set"),
            ({"type": "EC2"}, "instanceTypes, instanceRole must be set"),
            ({"type": "MOON"}, "computeResources.type must be one of"),
            ({"subnets": "subnet-1"}, "Invalid type for parameter computeResources.subnets"),
        ],
    )
    def test_what_aws_refuses_is_refused(
        self, region: Region, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ClientError, match=message):
            environment(region, **changes)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"type": "SPOT"}, "spotIamFleetRole is required"),
            ({"minvCpus": 9}, "minvCpus must be between"),
            ({"minvCpus": 2, "desiredvCpus": 1}, "desiredvCpus must be between"),
        ],
    )
    def test_sizes_of_instances_have_to_agree(
        self, region: Region, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ClientError, match=message):
            instances(region, **changes)

    def test_names_are_checked_and_taken_once(self, region: Region) -> None:
        environment(region, "cpu")
        with pytest.raises(ClientError, match="Object already exists"):
            environment(region, "cpu")
        with pytest.raises(ClientError, match="valid pattern"):
            environment(region, "c p u")

    def test_resources_go_with_managed_ones_only(self, region: Region) -> None:
        for payload in (
            {"type": "MANAGED"},
            {
                "type": "UNMANAGED",
                "computeResources": {"type": "EC2", "maxvCpus": 1, "subnets": []},
            },
        ):
            with pytest.raises(ClientError, match="MANAGED"):
                compute_environments.create(
                    region, {"computeEnvironmentName": "x", **payload}, World()
                )
        compute_environments.create(
            region, {"computeEnvironmentName": "own", "type": "UNMANAGED"}, World()
        )
        assert "computeResources" not in described(region, "own")

    def test_a_service_role_has_to_exist(self, region: Region) -> None:
        with pytest.raises(Refused, match="does not exist"):
            compute_environments.create(
                region,
                {"computeEnvironmentName": "x", "type": "UNMANAGED", "serviceRole": "arn:nobody"},
                World(),
            )

    def test_an_update_changes_what_it_names(self, region: Region) -> None:
        instances(region, launchTemplate={"launchTemplateId": "lt-1", "version": "1"})
        update = {"computeEnvironment": "gpu", "updatePolicy": {"terminateJobsOnUpdate": False}}
        compute_environments.update(
            region, {**update, "computeResources": {"maxvCpus": 32}}, World()
        )
        assert described(region, "gpu")["computeResources"]["maxvCpus"] == 32
        assert "launchTemplate" in described(region, "gpu")["computeResources"]
        assert described(region, "gpu")["updatePolicy"] == {"terminateJobsOnUpdate": False}
        gone = {"computeEnvironment": "gpu", "computeResources": {"launchTemplate": {}}}
        compute_environments.update(region, gone, World())
        assert "launchTemplate" not in described(region, "gpu")["computeResources"]

    def test_it_cannot_be_deleted_while_in_use(self, ready: Region, engine: Engine) -> None:
        deletion = {"computeEnvironment": "cpu"}
        with pytest.raises(ClientError, match="must be DISABLED"):
            compute_environments.delete(ready, deletion)
        compute_environments.update(ready, {**deletion, "state": "DISABLED"}, World())
        with pytest.raises(ClientError, match="found existing JobQueue relationship"):
            compute_environments.delete(ready, deletion)
        queues.update(ready, {"jobQueue": "q", "state": "DISABLED"})
        queues.delete(ready, {"jobQueue": "q"})
        with pytest.raises(ClientError, match="found existing JobQueue relationship"):
            compute_environments.delete(ready, deletion)  # the queue is still being deleted
        engine.scheduler.tick()
        compute_environments.delete(ready, deletion)
        with pytest.raises(ClientError, match="being modified"):
            compute_environments.update(ready, {**deletion, "state": "ENABLED"}, World())
        engine.scheduler.tick()
        assert compute_environments.describe(ready, {}) == {"computeEnvironments": []}
        assert compute_environments.delete(ready, deletion) == {}  # a second time is no error

    def test_unknown_ones_and_foreign_arns_are_refused(self, region: Region) -> None:
        for reference in ("nobody", "arn:aws:batch:eu-west-1:000000000000:compute-environment/x"):
            with pytest.raises(ClientError, match="does not exist"):
                compute_environments.update(region, {"computeEnvironment": reference}, World())


class TestQueues:
    def test_instances_and_fargate_are_not_mixed(self, region: Region) -> None:
        environment(region)
        instances(region)
        with pytest.raises(ClientError, match="cannot be mixed"):
            queue(region, "q", "cpu", "gpu")

    def test_the_order_is_checked(self, region: Region) -> None:
        for name in "abcd":
            environment(region, name)
        with pytest.raises(ClientError, match="1 to 3 compute environments"):
            queue(region, "q", *"abcd")
        twice = [{"order": 1, "computeEnvironment": name} for name in "ab"]
        with pytest.raises(ClientError, match="each order"):
            queue(region, "q", computeEnvironmentOrder=twice)
        with pytest.raises(ClientError, match="does not exist"):
            queue(region, "q", "nobody")

    def test_an_environment_that_goes_cannot_be_used(self, region: Region) -> None:
        environment(region)
        compute_environments.update(
            region, {"computeEnvironment": "cpu", "state": "DISABLED"}, World()
        )
        compute_environments.delete(region, {"computeEnvironment": "cpu"})
        with pytest.raises(ClientError, match="cpu is not valid"):
            queue(region)

    def test_it_turns_to_another_environment(self, ready: Region) -> None:
        environment(ready, "next")
        order = [{"order": 1, "computeEnvironment": "next"}]
        limits = [
            {"reason": "CAPACITY:X", "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"}
        ]
        queues.update(
            ready,
            {"jobQueue": "q", "priority": 7, "computeEnvironmentOrder": order,
             "jobStateTimeLimitActions": limits},
        )  # fmt: skip
        [found] = queues.describe(ready, {"jobQueues": [f"{ARN}job-queue/q"]})["jobQueues"]
        assert found["priority"] == 7
        assert found["computeEnvironmentOrder"][0]["computeEnvironment"].endswith("/next")
        limits[0]["maxTimeSeconds"] = 5
        with pytest.raises(ClientError, match="between 600 and 86400"):
            queues.update(ready, {"jobQueue": "q", "jobStateTimeLimitActions": limits})

    def test_only_a_disabled_one_is_deleted(self, ready: Region) -> None:
        with pytest.raises(ClientError, match="must be DISABLED"):
            queues.delete(ready, {"jobQueue": "q"})
        queues.update(ready, {"jobQueue": "q", "state": "DISABLED"})
        queues.delete(ready, {"jobQueue": "q"})
        with pytest.raises(ClientError, match="being modified"):
            queues.update(ready, {"jobQueue": "q", "state": "ENABLED"})
        assert queues.delete(ready, {"jobQueue": "nobody"}) == {}

    def test_names_are_taken_once(self, ready: Region) -> None:
        with pytest.raises(ClientError, match="already exists"):
            queue(ready)
        with pytest.raises(ClientError, match="not found"):
            queues.get(ready, "nobody")
        with pytest.raises(ClientError, match="job-queue is required"):
            queues.get(ready, "")


class TestPolicies:
    def test_one_lives_as_long_as_no_queue_names_it(self, region: Region) -> None:
        environment(region)
        arn = policies.create(region, {"name": "fair", "tags": {"a": "b"}})["arn"]
        with pytest.raises(ClientError, match="already exists"):
            policies.create(region, {"name": "fair"})
        policies.update(region, {"arn": arn, "fairsharePolicy": {"shareDecaySeconds": 9}})
        [found] = policies.describe(region, {"arns": [arn, "arn:x"]})["schedulingPolicies"]
        assert found["fairsharePolicy"] == {"shareDecaySeconds": 9}
        assert policies.listed(region, {}) == {"schedulingPolicies": [{"arn": arn}]}
        queue(region, "q", schedulingPolicyArn=arn)
        queues.update(region, {"jobQueue": "q", "schedulingPolicyArn": arn})
        with pytest.raises(ClientError, match="existing JobQueue"):
            policies.delete(region, {"arn": arn})
        queue(region, "fifo")
        with pytest.raises(ClientError, match="FIFO"):
            queues.update(region, {"jobQueue": "fifo", "schedulingPolicyArn": arn})
        with pytest.raises(ClientError, match="does not exist"):
            queue(region, "other", schedulingPolicyArn="arn:x")
        with pytest.raises(ClientError, match="does not exist"):
            policies.update(region, {"arn": "arn:x"})
        region.queues.clear()
        policies.delete(region, {"arn": arn})
        assert region.policies == {}


class TestDefinitions:
    def test_each_registration_is_a_revision(self, region: Region) -> None:
        definition(region, "one")
        definition(
            region, "two", retryStrategy={"attempts": 2}, timeout={"attemptDurationSeconds": 60}
        )
        found = definitions.describe(region, {"jobDefinitionName": "d"})["jobDefinitions"]
        assert [d["revision"] for d in found] == [2, 1]
        assert found[0]["retryStrategy"] == {"attempts": 2, "evaluateOnExit": []}
        assert found[0]["timeout"] == {"attemptDurationSeconds": 60}
        assert found[0]["containerProperties"]["volumes"] == []
        assert "retryStrategy" not in found[1]
        assert "timeout" not in found[1]

    def test_a_name_means_the_latest_active_revision(self, region: Region) -> None:
        for word in ("one", "two"):
            definition(region, word)
        definitions.deregister(region, {"jobDefinition": f"{ARN}job-definition/d:2"})
        assert definitions.get(region, "d")["revision"] == 1
        assert definitions.get(region, f"{ARN}job-definition/d")["revision"] == 1
        with pytest.raises(ClientError, match="not ACTIVE"):
            definitions.get(region, "d:2")
        for unknown in ("d:3", "d:x", "other"):
            with pytest.raises(ClientError, match="not found"):
                definitions.get(region, unknown)
        with pytest.raises(ClientError, match="not found"):
            definitions.deregister(region, {"jobDefinition": "d:3"})
        active = definitions.describe(region, {"status": "ACTIVE"})["jobDefinitions"]
        assert [d["revision"] for d in active] == [1]
        named = definitions.describe(region, {"jobDefinitions": ["d:2", "d:9"]})["jobDefinitions"]
        assert [d["status"] for d in named] == ["INACTIVE"]
        definition(region, "three")
        assert definitions.get(region, "d")["revision"] == 3  # no number is given twice

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"image": ""}, "image must not be empty"),
            ({"executionRoleArn": ""}, "executionRoleArn must be set"),
            ({"privileged": True}, "must not be set for FARGATE"),
            ({"resourceRequirements": []}, "need the resource requirements"),
            ({"resourceRequirements": [{"type": "VCPU", "value": "3"},
                                       {"type": "MEMORY", "value": "2048"}]}, "no size with 3"),
            ({"resourceRequirements": [{"type": "VCPU", "value": "1"},
                                       {"type": "MEMORY", "value": "2048"},
                                       {"type": "GPU", "value": "1"}]}, "GPU must not be set"),
        ],
    )  # fmt: skip
    def test_fargate_is_particular(
        self, region: Region, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ClientError, match=message):
            definition(region, containerProperties=properties("x", **changes))

    @pytest.mark.parametrize(
        ("kind", "value"), [("VCPU", "0.5"), ("MEMORY", "2"), ("GPU", "0"), ("GPU", "half")]
    )
    def test_instances_want_whole_numbers(self, region: Region, kind: str, value: str) -> None:
        wanted = {"VCPU": "1", "MEMORY": "64", kind: value}
        requirements = [{"type": key, "value": entry} for key, entry in wanted.items()]
        container = properties("x", resourceRequirements=requirements)
        with pytest.raises(ClientError, match=f"requirement {kind}"):
            definition(region, containerProperties=container, platformCapabilities=["EC2"])

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"retryStrategy": {"attempts": 11}}, "between 1 and 10"),
            ({"retryStrategy": {"evaluateOnExit": [{"action": "EXIT"}] * 6}}, "more than 5"),
            (
                {"retryStrategy": {"evaluateOnExit": [{"action": "exit", "onExitCode": "a"}]}},
                "digits",
            ),
            ({"retryStrategy": {"evaluateOnExit": [{"action": "WAIT"}]}}, "one of RETRY, EXIT"),
            ({"timeout": {"attemptDurationSeconds": 59}}, "at least 60"),
            ({"type": "multinode"}, "type container only"),
        ],
    )
    def test_what_aws_refuses_is_refused(
        self, region: Region, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ClientError, match=message):
            definition(region, "x", **changes)

    def test_roles_have_to_exist(self, region: Region) -> None:
        with pytest.raises(Refused, match="does not exist"):
            definition(region, containerProperties=properties("x", jobRoleArn="arn:nobody"))


def test_everything_has_tags(ready: Region) -> None:
    for kind in ("compute-environment/cpu", "job-queue/q", "job-definition/d:1"):
        tags.add(ready, ARN + kind, {"a": "1", "b": "2"})
        tags.remove(ready, ARN + kind, ["a", "never"])
        assert tags.of(ready, ARN + kind) == {"b": "2"}
    for unknown in (f"{ARN}job-queue/x", "arn:aws:batch:eu-west-1:000000000000:job-queue/q", "x"):
        with pytest.raises(ClientError, match="does not exist"):
            tags.of(ready, unknown)
    with pytest.raises(ClientError, match="at most 50"):
        tags.add(ready, f"{ARN}job-queue/q", {str(n): "" for n in range(50)})


def test_long_lists_come_in_pages() -> None:
    values = list(range(250))
    first, token = validation.page(values, {})
    last, none = validation.page(values, {"nextToken": "200", "maxResults": 99})
    assert (len(first), token, last[-1], none) == (100, "100", 249, None)
    with pytest.raises(ClientError, match="nextToken"):
        validation.page(values, {"nextToken": "x"})
    with pytest.raises(ClientError, match="more than 2"):
        validation.limited(values, "values", 2)
