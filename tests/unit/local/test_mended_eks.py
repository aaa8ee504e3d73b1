"""EKS and Auto Scaling of the running local cloud: what Terraform asks, and what AWS refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from glue.local.mends.eks_node_groups import retainted, wrong_size
from tests.unit.local.conftest import eventually

if TYPE_CHECKING:
    from glue.local.clients import LocalSession
    from glue.local.cloud import Cloud

pytestmark = pytest.mark.local

ROLE = "arn:aws:iam::000000000000:role/mended"


def refusal(call: Callable[..., Any], **arguments: Any) -> str:
    """Return the code of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture
def eks(session: LocalSession) -> Iterator[Any]:
    """EKS, and the role that it makes sure of."""
    iam: Any = session.client("iam")
    iam.create_role(RoleName="mended", AssumeRolePolicyDocument="{}")
    yield session.client("eks")
    iam.delete_role(RoleName="mended")


@pytest.fixture
def cluster(session: LocalSession, eks: Any) -> Iterator[str]:
    """A cluster of Kubernetes 1.35, which is gone afterwards with its groups."""
    name = "mended"
    eks.create_cluster(
        name=name,
        version="1.35",
        roleArn=ROLE,
        resourcesVpcConfig={"subnetIds": ["subnet-1"], "publicAccessCidrs": ["203.0.113.7/32"]},
        upgradePolicy={"supportType": "STANDARD"},
        tags={"team": "infra"},
    )
    eventually(lambda: eks.describe_cluster(name=name)["cluster"]["status"] == "ACTIVE")
    yield name
    for group in eks.list_nodegroups(clusterName=name)["nodegroups"]:
        eks.delete_nodegroup(clusterName=name, nodegroupName=group)
    eks.delete_cluster(name=name)


@pytest.fixture
def template(session: LocalSession) -> Iterator[str]:
    ec2: Any = session.client("ec2")
    made = ec2.create_launch_template(
        LaunchTemplateName="mended",
        LaunchTemplateData={"MetadataOptions": {"HttpTokens": "required"}},
    )
    identifier: str = made["LaunchTemplate"]["LaunchTemplateId"]
    yield identifier
    ec2.delete_launch_template(LaunchTemplateId=identifier)


@pytest.fixture
def group(eks: Any, cluster: str, template: str) -> dict[str, Any]:
    made: dict[str, Any] = eks.create_nodegroup(
        clusterName=cluster,
        nodegroupName="gpu",
        nodeRole=ROLE,
        subnets=["subnet-1"],
        scalingConfig={"minSize": 0, "maxSize": 2, "desiredSize": 0},
        labels={"purpose": "gpu", "old": "yes"},
        taints=[{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
        launchTemplate={"id": template, "version": "1"},
    )["nodegroup"]
    return made


def scaling_group(session: LocalSession, group: dict[str, Any]) -> dict[str, Any] | None:
    (entry,) = group["resources"]["autoScalingGroups"]
    found = session.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[entry["name"]]
    )["AutoScalingGroups"]
    return found[0] if found else None


class TestClusters:
    def test_described_as_made(self, eks: Any, cluster: str) -> None:
        found = eks.describe_cluster(name=cluster)["cluster"]
        assert found["upgradePolicy"] == {"supportType": "STANDARD"}
        assert found["certificateAuthority"]["data"]
        assert found["identity"]["oidc"]["issuer"].startswith(
            "https://oidc.eks.eu-central-1.amazonaws.com/id/"
        )
        assert found["deletionProtection"] is False
        assert not any(key.startswith("_") for key in found)

    def test_settings_change(self, eks: Any, cluster: str) -> None:
        made = eks.update_cluster_config(
            name=cluster, resourcesVpcConfig={"endpointPrivateAccess": True}
        )["update"]
        found = eks.describe_update(name=cluster, updateId=made["id"])["update"]
        assert (found["status"], found["type"]) == ("Successful", "VpcConfigUpdate")
        network = eks.describe_cluster(name=cluster)["cluster"]["resourcesVpcConfig"]
        assert network["endpointPrivateAccess"] is True
        assert network["publicAccessCidrs"] == ["203.0.113.7/32"], "what was not named stays"
        assert made["id"] in eks.list_updates(name=cluster)["updateIds"]

    def test_no_settings_and_no_such_update(self, eks: Any, cluster: str) -> None:
        assert refusal(eks.update_cluster_config, name=cluster) == "InvalidParameterException"
        missing = "00000000-0000-0000-0000-000000000000"
        code = refusal(eks.describe_update, name=cluster, updateId=missing)
        assert code == "ResourceNotFoundException"
        code = refusal(eks.update_cluster_version, name="none", version="1.36")
        assert code == "ResourceNotFoundException"

    def test_upgrades_by_one(self, eks: Any, cluster: str) -> None:
        for version in ("1.37", "1.34", "1.35", "2.0"):
            code = refusal(eks.update_cluster_version, name=cluster, version=version)
            assert code == "InvalidParameterException", version
        eks.update_cluster_version(name=cluster, version="1.36")
        assert eks.describe_cluster(name=cluster)["cluster"]["version"] == "1.36"

    def test_is_not_deleted_with_groups_or_protected(
        self, eks: Any, cluster: str, group: dict[str, Any]
    ) -> None:
        assert refusal(eks.delete_cluster, name=cluster) == "ResourceInUseException"
        eks.delete_nodegroup(clusterName=cluster, nodegroupName="gpu")
        eks.update_cluster_config(name=cluster, deletionProtection=True)
        assert refusal(eks.delete_cluster, name=cluster) == "InvalidRequestException"
        eks.update_cluster_config(name=cluster, deletionProtection=False)

    def test_tags_are_shown_as_set_last(self, eks: Any, cluster: str) -> None:
        arn = eks.describe_cluster(name=cluster)["cluster"]["arn"]
        eks.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2", "c": "3"})
        eks.untag_resource(resourceArn=arn, tagKeys=["a", "b"])
        assert eks.describe_cluster(name=cluster)["cluster"]["tags"] == {"team": "infra", "c": "3"}

    def test_tags_of_an_association(self, eks: Any, cluster: str) -> None:
        made = eks.create_pod_identity_association(
            clusterName=cluster, namespace="platform", serviceAccount="a", roleArn=ROLE
        )["association"]
        eks.tag_resource(resourceArn=made["associationArn"], tags={"a": "1"})
        found = eks.describe_pod_identity_association(
            clusterName=cluster, associationId=made["associationId"]
        )["association"]
        assert found["tags"] == {"a": "1"}
        gone = made["associationArn"] + "0"
        assert refusal(eks.list_tags_for_resource, resourceArn=gone) == "ResourceNotFoundException"

    def test_an_addon_changes_and_goes_with_its_cluster(self, eks: Any, cluster: str) -> None:
        eks.create_addon(clusterName=cluster, addonName="coredns", addonVersion="v1-eksbuild.1")
        made = eks.update_addon(
            clusterName=cluster, addonName="coredns", addonVersion="v2-eksbuild.1"
        )["update"]
        found = eks.describe_update(name=cluster, updateId=made["id"], addonName="coredns")
        assert found["update"]["status"] == "Successful"
        eks.delete_cluster(name=cluster)
        eks.create_cluster(name=cluster, roleArn=ROLE, resourcesVpcConfig={"subnetIds": ["s"]})
        assert eks.list_addons(clusterName=cluster)["addons"] == []
        found = eks.describe_cluster(name=cluster)["cluster"]
        assert found["upgradePolicy"] == {"supportType": "EXTENDED"}, "as AWS does unasked"


class TestNodeGroups:
    def test_described_as_made(self, eks: Any, cluster: str, group: dict[str, Any]) -> None:
        found = eks.describe_nodegroup(clusterName=cluster, nodegroupName="gpu")["nodegroup"]
        assert found == group
        assert found["launchTemplate"]["name"] == "mended"
        assert found["launchTemplate"]["version"] == "1"
        assert found["updateConfig"] == {"maxUnavailable": 1}
        assert found["releaseVersion"].startswith("1.35.")
        assert "diskSize" not in found, "it stands in the launch template"
        assert "remoteAccessSecurityGroup" not in found["resources"]

    def test_has_an_auto_scaling_group(
        self, session: LocalSession, eks: Any, cluster: str, group: dict[str, Any]
    ) -> None:
        found = scaling_group(session, group)
        assert found is not None
        assert (found["MinSize"], found["MaxSize"], found["DesiredCapacity"]) == (0, 2, 0)
        tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
        assert tags["eks:nodegroup-name"] == "gpu"
        assert tags["k8s.io/cluster-autoscaler/mended"] == "owned"
        eks.update_nodegroup_config(
            clusterName=cluster,
            nodegroupName="gpu",
            scalingConfig={"minSize": 0, "maxSize": 4, "desiredSize": 3},
        )
        found = scaling_group(session, group)
        assert found is not None
        assert (found["MaxSize"], len(found["Instances"])) == (4, 3)
        eks.delete_nodegroup(clusterName=cluster, nodegroupName="gpu")
        assert scaling_group(session, group) is None

    def test_labels_and_taints_change(self, eks: Any, cluster: str, group: dict[str, Any]) -> None:
        made = eks.update_nodegroup_config(
            clusterName=cluster,
            nodegroupName="gpu",
            labels={"addOrUpdateLabels": {"team": "a"}, "removeLabels": ["old"]},
            taints={
                "addOrUpdateTaints": [{"key": "slow", "value": "", "effect": "NO_EXECUTE"}],
                "removeTaints": [{"key": "nvidia.com/gpu", "effect": "NO_SCHEDULE"}],
            },
            updateConfig={"maxUnavailable": 2},
        )["update"]
        found = eks.describe_nodegroup(clusterName=cluster, nodegroupName="gpu")["nodegroup"]
        assert found["labels"] == {"purpose": "gpu", "team": "a"}
        assert [taint["key"] for taint in found["taints"]] == ["slow"]
        assert found["updateConfig"] == {"maxUnavailable": 2}
        update = eks.describe_update(name=cluster, nodegroupName="gpu", updateId=made["id"])
        assert update["update"]["status"] == "Successful"

    @pytest.mark.parametrize(
        "sizes",
        [
            {"minSize": 1, "maxSize": 2, "desiredSize": 0},
            {"minSize": 0, "maxSize": 2, "desiredSize": 3},
            {"minSize": 1},
        ],
    )
    def test_sizes_that_contradict_each_other(
        self, eks: Any, cluster: str, group: dict[str, Any], sizes: dict[str, int]
    ) -> None:
        named = {"clusterName": cluster, "nodegroupName": "gpu"}
        code = refusal(eks.update_nodegroup_config, **named, scalingConfig=sizes)
        assert code == "InvalidParameterException"
        found = eks.describe_nodegroup(**named)["nodegroup"]
        assert found["scalingConfig"] == {"minSize": 0, "maxSize": 2, "desiredSize": 0}

    def test_versions_follow_the_cluster(
        self, session: LocalSession, eks: Any, cluster: str, group: dict[str, Any], template: str
    ) -> None:
        named = {"clusterName": cluster, "nodegroupName": "gpu"}
        newer = refusal(eks.update_nodegroup_version, **named, version="1.36")
        assert newer == "InvalidParameterException", "newer than the cluster"
        eks.update_cluster_version(name=cluster, version="1.36")
        session.client("ec2").create_launch_template_version(
            LaunchTemplateId=template, LaunchTemplateData={"ImageId": "ami-1"}
        )
        eks.update_nodegroup_version(
            **named, version="1.36", launchTemplate={"name": "mended", "version": "2"}
        )
        found = eks.describe_nodegroup(**named)["nodegroup"]
        assert found["version"] == "1.36"
        assert found["releaseVersion"].startswith("1.36.")
        assert found["launchTemplate"]["version"] == "2"
        assert refusal(eks.update_nodegroup_version, **named, version="1.35")
        eks.update_nodegroup_version(**named, releaseVersion="1.36.1-20261102")
        found = eks.describe_nodegroup(**named)["nodegroup"]
        assert found["releaseVersion"] == "1.36.1-20261102"

    def test_what_cannot_be_made_is_refused(self, eks: Any, cluster: str, template: str) -> None:
        named = {"clusterName": cluster, "nodeRole": ROLE, "subnets": ["subnet-1"]}
        gone = {"name": "none", "version": "1"}
        code = refusal(eks.create_nodegroup, **named, nodegroupName="a", launchTemplate=gone)
        assert code == "InvalidParameterException"
        code = refusal(
            eks.create_nodegroup,
            **named, nodegroupName="a", diskSize=50, launchTemplate={"id": template},
        )  # fmt: skip
        assert code == "InvalidParameterException", "the size stands in two places"
        sizes = {"minSize": 2, "maxSize": 1, "desiredSize": 2}
        code = refusal(eks.create_nodegroup, **named, nodegroupName="a", scalingConfig=sizes)
        assert code == "InvalidParameterException"
        assert eks.list_nodegroups(clusterName=cluster)["nodegroups"] == []
        missing = {"clusterName": cluster, "nodegroupName": "none"}
        code = refusal(eks.update_nodegroup_config, **missing)
        assert code == "ResourceNotFoundException"
        eks.create_nodegroup(**named, nodegroupName="plain")
        code = refusal(
            eks.update_nodegroup_version,
            clusterName=cluster, nodegroupName="plain", launchTemplate=gone,
        )  # fmt: skip
        assert code == "InvalidParameterException"
        code = refusal(eks.create_nodegroup, **named, nodegroupName="plain")
        assert code == "ResourceInUseException"

    def test_survive_a_restart(
        self, cloud: Cloud, eks: Any, cluster: str, group: dict[str, Any], session: LocalSession
    ) -> None:
        made = eks.update_nodegroup_config(
            clusterName=cluster, nodegroupName="gpu", labels={"addOrUpdateLabels": {"a": "b"}}
        )["update"]
        cloud.down()
        cloud.up()
        found = eks.describe_nodegroup(clusterName=cluster, nodegroupName="gpu")["nodegroup"]
        assert found["launchTemplate"] == group["launchTemplate"]
        assert scaling_group(session, found) is not None
        assert eks.describe_update(name=cluster, updateId=made["id"])["update"]["id"] == made["id"]


def test_no_room_for_a_node_is_refused() -> None:
    # boto3 refuses this by itself; Terraform's provider sends it.
    assert (
        wrong_size({"minSize": 0, "maxSize": 0, "desiredSize": 0}) == "maxSize must be at least 1"
    )
    assert wrong_size({"minSize": 0, "maxSize": 1, "desiredSize": 0}) is None


def test_a_taint_is_known_by_key_and_effect() -> None:
    old = [{"key": "a", "value": "1", "effect": "NO_SCHEDULE"}]
    other = {"key": "a", "value": "2", "effect": "NO_EXECUTE"}
    same = {"key": "a", "value": "3", "effect": "NO_SCHEDULE"}
    assert retainted(old, {"addOrUpdateTaints": [other]}) == [*old, other]
    assert retainted(old, {"addOrUpdateTaints": [same]}) == [same]
    assert retainted(old, {"removeTaints": [other]}) == old


class TestAutoScaling:
    @pytest.fixture
    def groups(self, session: LocalSession) -> Iterator[Any]:
        client: Any = session.client("autoscaling")
        for name in ("one", "two"):
            client.create_auto_scaling_group(
                AutoScalingGroupName=name,
                MinSize=0,
                MaxSize=1,
                AvailabilityZones=["eu-central-1a"],
                Tags=[
                    {"Key": "name", "Value": f"{name} & more", "PropagateAtLaunch": True},
                    {"Key": "same", "Value": "<yes>", "PropagateAtLaunch": False},
                ],
            )
        yield client
        for name in ("one", "two"):
            client.delete_auto_scaling_group(AutoScalingGroupName=name)

    def test_tags_are_found_by_filters(self, groups: Any) -> None:
        def found(**wanted: str) -> list[tuple[str, str]]:
            filters = [
                {"Name": name.replace("_", "-"), "Values": [value]}
                for name, value in wanted.items()
            ]
            tags = groups.describe_tags(Filters=filters)["Tags"]
            return sorted((tag["ResourceId"], tag["Value"]) for tag in tags)

        assert found(auto_scaling_group="two", key="name") == [("two", "two & more")]
        assert found(key="same") == [("one", "<yes>"), ("two", "<yes>")]
        assert found(value="<yes>", auto_scaling_group="one") == [("one", "<yes>")]
        assert found(propagate_at_launch="true") == [("one", "one & more"), ("two", "two & more")]
        assert found(key="none") == []

    def test_a_mixed_instances_policy_is_kept(
        self, session: LocalSession, groups: Any, template: str
    ) -> None:
        policy = {
            "LaunchTemplate": {
                "LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "1"},
                "Overrides": [{"InstanceType": f"t{n}.large"} for n in range(2, 14)],
            },
            "InstancesDistribution": {
                "OnDemandBaseCapacity": 0,
                "SpotAllocationStrategy": "price-capacity-optimized",
            },
        }
        groups.update_auto_scaling_group(AutoScalingGroupName="one", MixedInstancesPolicy=policy)
        groups.update_auto_scaling_group(AutoScalingGroupName="one", MaxSize=3)
        found = groups.describe_auto_scaling_groups(AutoScalingGroupNames=["one", "two"])
        one, two = sorted(found["AutoScalingGroups"], key=lambda g: g["AutoScalingGroupName"])
        assert one["MixedInstancesPolicy"] == policy
        assert one["MaxSize"] == 3
        assert "MixedInstancesPolicy" not in two
