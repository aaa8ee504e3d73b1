"""Instances of the running local cloud, their interfaces and addresses; NAT; routes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from glue.local.mends.ec2_images import ARM_IMAGE, PARAMETERS
from glue.local.mends.ec2_interfaces import free_address

if TYPE_CHECKING:
    from glue.local.clients import LocalSession

EVERYWHERE = "0.0.0.0/0"


@pytest.fixture
def ec2(session: LocalSession) -> Any:
    return session.client("ec2")


@pytest.fixture
def vpc(ec2: Any) -> str:
    made: str = ec2.create_vpc(CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
    return made


@pytest.fixture
def subnet(ec2: Any, vpc: str) -> str:
    answer = ec2.create_subnet(
        VpcId=vpc, CidrBlock="10.40.7.0/24", AvailabilityZone="eu-central-1b"
    )
    made: str = answer["Subnet"]["SubnetId"]
    return made


@pytest.fixture
def interface(ec2: Any, subnet: str) -> str:
    tags = [{"ResourceType": "network-interface", "Tags": [{"Key": "Name", "Value": "nat"}]}]
    answer = ec2.create_network_interface(SubnetId=subnet, TagSpecifications=tags)
    made: str = answer["NetworkInterface"]["NetworkInterfaceId"]
    return made


@pytest.fixture
def instance(ec2: Any, interface: str) -> str:
    answer = ec2.run_instances(
        ImageId=ARM_IMAGE,
        InstanceType="t4g.nano",
        MinCount=1,
        MaxCount=1,
        EbsOptimized=True,
        UserData="#!/bin/bash",
        NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": interface}],
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        MaintenanceOptions={"AutoRecovery": "default"},
        BlockDeviceMappings=[
            {"DeviceName": "/dev/sdz", "Ebs": {"VolumeSize": 1}},
            {
                "DeviceName": "/dev/xvda",
                "Ebs": {"Encrypted": True, "VolumeType": "gp3", "VolumeSize": 9, "KmsKeyId": "k"},
            },
        ],
        TagSpecifications=[
            {"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "disk"}]},
        ],
    )
    made: str = answer["Instances"][0]["InstanceId"]
    return made


def described(ec2: Any, instance: str) -> dict[str, Any]:
    found = ec2.describe_instances(InstanceIds=[instance])
    one: dict[str, Any] = found["Reservations"][0]["Instances"][0]
    return one


def interface_of(ec2: Any, identifier: str) -> dict[str, Any]:
    found = ec2.describe_network_interfaces(NetworkInterfaceIds=[identifier])
    one: dict[str, Any] = found["NetworkInterfaces"][0]
    return one


class TestFreeAddress:
    def test_the_first_four_are_kept_by_aws(self) -> None:
        assert free_address("10.0.0.0/24", []) == "10.0.0.4"

    def test_used_ones_are_left_out(self) -> None:
        assert free_address("10.0.0.0/24", ["10.0.0.4", "10.0.0.5", "10.9.0.6"]) == "10.0.0.6"

    def test_a_full_subnet_says_so(self) -> None:
        used = [f"10.0.0.{n}" for n in range(16)]
        with pytest.raises(ValueError, match="no free address"):
            free_address("10.0.0.0/28", used)


@pytest.mark.local
class TestInterfaces:
    def test_it_has_an_address_of_its_subnet_and_its_tags(self, ec2: Any, interface: str) -> None:
        found = interface_of(ec2, interface)
        assert found["PrivateIpAddress"] == "10.40.7.4"
        assert found["TagSet"] == [{"Key": "Name", "Value": "nat"}]

    def test_an_address_may_be_asked_for(self, ec2: Any, subnet: str) -> None:
        made = ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.40.7.77")
        assert made["NetworkInterface"]["PrivateIpAddress"] == "10.40.7.77"

    def test_its_attributes_can_be_changed(self, ec2: Any, vpc: str, instance: str) -> None:
        (attached,) = described(ec2, instance)["NetworkInterfaces"]
        identifier = attached["NetworkInterfaceId"]
        group = ec2.create_security_group(GroupName="nat", Description="NAT.", VpcId=vpc)["GroupId"]
        change = ec2.modify_network_interface_attribute
        change(NetworkInterfaceId=identifier, SourceDestCheck={"Value": False})
        change(NetworkInterfaceId=identifier, Description={"Value": "way out"})
        change(NetworkInterfaceId=identifier, Groups=[group])
        attachment = attached["Attachment"]["AttachmentId"]
        change(
            NetworkInterfaceId=identifier,
            Attachment={"AttachmentId": attachment, "DeleteOnTermination": True},
        )
        found = interface_of(ec2, identifier)
        assert (found["SourceDestCheck"], found["Description"]) == (False, "way out")
        assert [g["GroupId"] for g in found["Groups"]] == [group]
        assert found["Attachment"]["DeleteOnTermination"] is True
        assert described(ec2, instance)["SourceDestCheck"] is False

    def test_filters_choose(self, ec2: Any, subnet: str, interface: str, instance: str) -> None:
        def found(name: str, value: str) -> list[str]:
            answer = ec2.describe_network_interfaces(Filters=[{"Name": name, "Values": [value]}])
            return [one["NetworkInterfaceId"] for one in answer["NetworkInterfaces"]]

        assert found("subnet-id", subnet) == [interface]
        assert found("attachment.instance-id", instance) == [interface]
        assert found("subnet-id", "subnet-0") == []
        assert found("tag:Name", "somebody") == []

    def test_detached_it_is_available(self, ec2: Any, interface: str, instance: str) -> None:
        attachment = interface_of(ec2, interface)["Attachment"]
        assert attachment["InstanceId"] == instance
        ec2.detach_network_interface(AttachmentId=attachment["AttachmentId"])
        assert interface_of(ec2, interface)["Status"] == "available"
        with pytest.raises(ClientError, match=r"InvalidAttachmentID\.NotFound"):
            ec2.detach_network_interface(AttachmentId=attachment["AttachmentId"])

    def test_one_that_is_not_there_is_an_error(self, ec2: Any, interface: str) -> None:
        ec2.delete_network_interface(NetworkInterfaceId=interface)
        for call in (
            lambda: interface_of(ec2, interface),
            lambda: ec2.modify_network_interface_attribute(
                NetworkInterfaceId=interface, Description={"Value": "x"}
            ),
            lambda: ec2.associate_address(
                AllocationId=ec2.allocate_address()["AllocationId"], NetworkInterfaceId=interface
            ),
            lambda: ec2.run_instances(
                ImageId=ARM_IMAGE,
                MinCount=1,
                MaxCount=1,
                NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": interface}],
            ),
        ):
            with pytest.raises(ClientError, match=r"InvalidNetworkInterfaceID\.NotFound"):
                call()


@pytest.mark.local
class TestInstances:
    def test_it_is_what_it_was_started_as(self, ec2: Any, interface: str, instance: str) -> None:
        found = described(ec2, instance)
        assert [one["NetworkInterfaceId"] for one in found["NetworkInterfaces"]] == [interface]
        assert found["PrivateIpAddress"] == "10.40.7.4"
        assert not found.get("PublicIpAddress")
        assert found["Placement"]["AvailabilityZone"] == "eu-central-1b"
        assert found["Architecture"] == "arm64"
        assert found["EbsOptimized"] is True
        assert found["MetadataOptions"]["HttpTokens"] == "required"
        assert found["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
        assert found["MaintenanceOptions"] == {"AutoRecovery": "default"}

    def test_its_disk_is_as_asked(self, ec2: Any, instance: str) -> None:
        (mapping,) = described(ec2, instance)["BlockDeviceMappings"]
        (volume,) = ec2.describe_volumes(VolumeIds=[mapping["Ebs"]["VolumeId"]])["Volumes"]
        assert (volume["Encrypted"], volume["Size"], volume["VolumeType"]) == (True, 9, "gp3")
        assert (volume["KmsKeyId"], volume["Throughput"]) == ("k", 125)
        assert volume["Tags"] == [{"Key": "Name", "Value": "disk"}]

    def test_one_that_says_nothing_has_the_defaults(self, ec2: Any) -> None:
        answer = ec2.run_instances(ImageId="ami-0abcdef1234567890", MinCount=1, MaxCount=1)
        found = described(ec2, answer["Instances"][0]["InstanceId"])
        assert found["MetadataOptions"]["HttpPutResponseHopLimit"] == 2
        assert (found["Architecture"], found["NetworkInterfaces"]) == ("x86_64", [])

    def test_attributes_are_told_and_changed(self, ec2: Any, vpc: str, instance: str) -> None:
        def attribute(name: str) -> Any:
            answer = ec2.describe_instance_attribute(InstanceId=instance, Attribute=name)
            return answer[name[0].upper() + name[1:]].get("Value")

        assert base64.b64decode(attribute("userData")) == b"#!/bin/bash"
        assert attribute("disableApiTermination") is False
        assert attribute("instanceInitiatedShutdownBehavior") == "stop"

        change = ec2.modify_instance_attribute
        change(InstanceId=instance, DisableApiTermination={"Value": True})
        change(InstanceId=instance, SourceDestCheck={"Value": False})
        assert attribute("disableApiTermination") is True
        assert attribute("sourceDestCheck") is False

        group = ec2.create_security_group(GroupName="it", Description="It.", VpcId=vpc)["GroupId"]
        change(InstanceId=instance, Groups=[group])
        assert [g["GroupId"] for g in described(ec2, instance)["SecurityGroups"]] == [group]

    def test_its_type_changes_only_while_it_is_stopped(self, ec2: Any, instance: str) -> None:
        with pytest.raises(ClientError, match="not in the 'stopped' state"):
            ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t4g.micro"})
        ec2.stop_instances(InstanceIds=[instance])
        ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t4g.micro"})
        assert described(ec2, instance)["InstanceType"] == "t4g.micro"

    def test_metadata_options_change(self, ec2: Any, instance: str) -> None:
        ec2.modify_instance_metadata_options(InstanceId=instance, HttpPutResponseHopLimit=3)
        options = described(ec2, instance)["MetadataOptions"]
        assert (options["HttpPutResponseHopLimit"], options["HttpTokens"]) == (3, "required")

    def test_its_interface_outlives_it_and_its_disk_does_not(
        self, ec2: Any, interface: str, instance: str
    ) -> None:
        (mapping,) = described(ec2, instance)["BlockDeviceMappings"]
        ec2.terminate_instances(InstanceIds=[instance])
        assert interface_of(ec2, interface)["Status"] == "available"
        with pytest.raises(ClientError, match=r"InvalidVolume\.NotFound"):
            ec2.describe_volumes(VolumeIds=[mapping["Ebs"]["VolumeId"]])

    def test_one_that_is_not_there_is_an_error(self, ec2: Any) -> None:
        nobody = "i-00000000000000000"
        calls: tuple[tuple[Any, dict[str, Any]], ...] = (
            (ec2.terminate_instances, {"InstanceIds": [nobody]}),
            (ec2.describe_instance_attribute, {"InstanceId": nobody, "Attribute": "userData"}),
            (
                ec2.modify_instance_attribute,
                {"InstanceId": nobody, "EbsOptimized": {"Value": True}},
            ),
            (
                ec2.modify_instance_metadata_options,
                {"InstanceId": nobody, "HttpTokens": "required"},
            ),
        )
        for call, parameters in calls:
            with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
                call(**parameters)

    def test_there_is_an_image_for_arm64(self, ec2: Any, session: LocalSession) -> None:
        parameters = session.client("ssm").get_parameters(Names=list(PARAMETERS))["Parameters"]
        assert {parameter["Value"] for parameter in parameters} == {ARM_IMAGE}
        (image,) = ec2.describe_images(ImageIds=[ARM_IMAGE])["Images"]
        assert (image["Architecture"], image["RootDeviceName"]) == ("arm64", "/dev/xvda")
