"""Addresses, NAT gateways and routes of the running local cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from glue.local.clients import LocalSession

pytestmark = pytest.mark.local

EVERYWHERE = "0.0.0.0/0"


@pytest.fixture
def ec2(session: LocalSession) -> Any:
    return session.client("ec2")


@pytest.fixture
def vpc(ec2: Any) -> str:
    made: str = ec2.create_vpc(CidrBlock="10.50.0.0/16")["Vpc"]["VpcId"]
    return made


@pytest.fixture
def subnet(ec2: Any, vpc: str) -> str:
    made: str = ec2.create_subnet(VpcId=vpc, CidrBlock="10.50.0.0/24")["Subnet"]["SubnetId"]
    return made


@pytest.fixture
def interface(ec2: Any, subnet: str) -> str:
    answer = ec2.create_network_interface(SubnetId=subnet)
    made: str = answer["NetworkInterface"]["NetworkInterfaceId"]
    return made


@pytest.fixture
def allocation(ec2: Any) -> str:
    made: str = ec2.allocate_address(Domain="vpc")["AllocationId"]
    return made


def address_of(ec2: Any, allocation: str) -> dict[str, Any]:
    found: dict[str, Any] = ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0]
    return found


class TestAddresses:
    def test_one_belongs_to_an_interface_and_to_its_instance(
        self, ec2: Any, interface: str, allocation: str
    ) -> None:
        made = ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface)
        found = address_of(ec2, allocation)
        assert found["AssociationId"] == made["AssociationId"]
        assert found["NetworkInterfaceId"] == interface
        assert found["PrivateIpAddress"] == "10.50.0.4"
        assert "InstanceId" not in found

        started = ec2.run_instances(
            ImageId="ami-0abcdef1234567890",
            MinCount=1,
            MaxCount=1,
            NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": interface}],
        )["Instances"][0]
        assert started["PublicIpAddress"] == found["PublicIp"]
        assert address_of(ec2, allocation)["InstanceId"] == started["InstanceId"]
        (seen,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])[
            "NetworkInterfaces"
        ]
        assert seen["Association"]["PublicIp"] == found["PublicIp"]

    def test_one_in_use_is_not_let_go(self, ec2: Any, interface: str, allocation: str) -> None:
        made = ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface)
        with pytest.raises(ClientError, match=r"InvalidIPAddress\.InUse"):
            ec2.release_address(AllocationId=allocation)

        ec2.disassociate_address(AssociationId=made["AssociationId"])
        assert "NetworkInterfaceId" not in address_of(ec2, allocation)
        with pytest.raises(ClientError, match=r"InvalidAssociationID\.NotFound"):
            ec2.disassociate_address(AssociationId=made["AssociationId"])

        ec2.release_address(AllocationId=allocation)
        with pytest.raises(ClientError, match=r"InvalidAllocationID\.NotFound"):
            address_of(ec2, allocation)

    def test_an_instance_may_be_named_instead(self, ec2: Any, allocation: str) -> None:
        started = ec2.run_instances(ImageId="ami-0abcdef1234567890", MinCount=1, MaxCount=1)
        instance = started["Instances"][0]["InstanceId"]
        ec2.associate_address(AllocationId=allocation, InstanceId=instance)
        assert address_of(ec2, allocation)["InstanceId"] == instance

    def test_filters_choose(self, ec2: Any, interface: str, allocation: str) -> None:
        ec2.associate_address(AllocationId=allocation, NetworkInterfaceId=interface)

        def found(name: str, value: str) -> list[str]:
            answer = ec2.describe_addresses(Filters=[{"Name": name, "Values": [value]}])
            return [address["AllocationId"] for address in answer["Addresses"]]

        assert found("network-interface-id", interface) == [allocation]
        assert found("instance-id", "i-0") == []
        assert found("tag:Name", "nobody") == []


class TestNatGateways:
    def make(self, ec2: Any, subnet: str, allocation: str) -> dict[str, Any]:
        answer = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)
        made: dict[str, Any] = answer["NatGateway"]
        return made

    def test_it_is_described_with_its_address(self, ec2: Any, subnet: str, allocation: str) -> None:
        other = ec2.allocate_address(Domain="vpc")["AllocationId"]
        made = [self.make(ec2, subnet, one)["NatGatewayId"] for one in (allocation, other)]
        found = ec2.describe_nat_gateways(NatGatewayIds=made)["NatGateways"]
        shown = {gateway["NatGatewayId"]: gateway["NatGatewayAddresses"][0] for gateway in found}
        for identifier, one in zip(made, (allocation, other), strict=True):
            address = address_of(ec2, one)
            assert shown[identifier]["AllocationId"] == one
            assert shown[identifier]["PublicIp"] == address["PublicIp"]
            assert shown[identifier]["PrivateIp"] == address["PrivateIpAddress"]
            assert shown[identifier]["NetworkInterfaceId"] == address["NetworkInterfaceId"]
        assert {a["PrivateIp"] for a in shown.values()} == {"10.50.0.4", "10.50.0.5"}

    def test_an_address_serves_one_only(self, ec2: Any, subnet: str, allocation: str) -> None:
        self.make(ec2, subnet, allocation)
        with pytest.raises(ClientError, match=r"Resource\.AlreadyAssociated"):
            self.make(ec2, subnet, allocation)
        with pytest.raises(ClientError, match=r"InvalidAllocationID\.NotFound"):
            self.make(ec2, subnet, "eipalloc-0")

    def test_a_private_one_has_no_public_address(self, ec2: Any, subnet: str) -> None:
        made = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]
        (address,) = made["NatGatewayAddresses"]
        assert (address["PrivateIp"], address.get("PublicIp")) == ("10.50.0.4", None)

    def test_deleted_it_gives_its_address_back(
        self, ec2: Any, subnet: str, allocation: str
    ) -> None:
        made = self.make(ec2, subnet, allocation)["NatGatewayId"]
        ec2.delete_nat_gateway(NatGatewayId=made)
        assert "AssociationId" not in address_of(ec2, allocation)
        ec2.release_address(AllocationId=allocation)
        with pytest.raises(ClientError, match="NatGatewayNotFound"):
            ec2.delete_nat_gateway(NatGatewayId="nat-0")


class TestRoutes:
    def test_they_lead_to_what_they_name(
        self, ec2: Any, vpc: str, subnet: str, interface: str, allocation: str
    ) -> None:
        table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]

        def way_out() -> dict[str, str]:
            (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
            (route,) = [r for r in found["Routes"] if r["DestinationCidrBlock"] == EVERYWHERE]
            return {name: value for name, value in route.items() if name.endswith("Id")}

        ec2.create_route(
            RouteTableId=table, DestinationCidrBlock=EVERYWHERE, NetworkInterfaceId=interface
        )
        assert way_out() == {"NetworkInterfaceId": interface}

        made = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)
        gateway = made["NatGateway"]["NatGatewayId"]
        ec2.replace_route(RouteTableId=table, DestinationCidrBlock=EVERYWHERE, NatGatewayId=gateway)
        assert way_out() == {"NatGatewayId": gateway}

        with pytest.raises(ClientError, match=r"InvalidRouteTableID\.NotFound"):
            ec2.create_route(
                RouteTableId="rtb-0", DestinationCidrBlock=EVERYWHERE, NatGatewayId=gateway
            )
