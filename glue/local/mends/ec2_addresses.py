"""On AWS Elastic IPs belong to interfaces and NAT gateways, and routes lead to what they name.

MiniStack 1.5.33 ties an address to instances only, describes NAT gateways without addresses,
lets an address go that is in use, and turns a route to a network interface into a local one.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.mends.ec2_interfaces import address_in
from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {
    "_associate_address": "aaef7bc83e27",
    "_create_nat_gateway": "440bbbbfa2a7",
    "_create_route": "14b67cded12f",
    "_delete_nat_gateway": "f36426c416e6",
    "_describe_addresses": "eedee68236cb",
    "_describe_nat_gateways": "1673fcd2dd02",
    "_disassociate_address": "b2af445eb78b",
    "_release_address": "c8d4c1a1b929",
    "_replace_route": "5e3f58360eef",
}

OK = 200
BAD_REQUEST = 400

ADDRESS_FIELDS = {
    "AllocationId": "allocationId",
    "PublicIp": "publicIp",
    "Domain": "domain",
    "AssociationId": "associationId",
    "InstanceId": "instanceId",
    "NetworkInterfaceId": "networkInterfaceId",
    "PrivateIpAddress": "privateIpAddress",
}
ADDRESS_FILTERS = {
    "allocation-id": "AllocationId",
    "association-id": "AssociationId",
    "domain": "Domain",
    "instance-id": "InstanceId",
    "network-interface-id": "NetworkInterfaceId",
    "private-ip-address": "PrivateIpAddress",
    "public-ip": "PublicIp",
}
ROUTE_TARGETS = (
    "EgressOnlyInternetGatewayId",
    "GatewayId",
    "InstanceId",
    "NatGatewayId",
    "NetworkInterfaceId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
)


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend addresses, NAT gateways and routes. Raises MendError if it is another emulator."""
    from ministack.services import ec2

    expect(ec2, EXPECTED)
    ec2._ACTION_MAP["AssociateAddress"] = _associating(ec2)
    ec2._ACTION_MAP["DisassociateAddress"] = _disassociating(ec2)
    ec2._ACTION_MAP["DescribeAddresses"] = _describing_addresses(ec2)
    ec2._ACTION_MAP["ReleaseAddress"] = _releasing(ec2)
    ec2._ACTION_MAP["CreateNatGateway"] = _creating_gateway(ec2)
    ec2._ACTION_MAP["DescribeNatGateways"] = _describing_gateways(ec2)
    ec2._ACTION_MAP["DeleteNatGateway"] = _deleting_gateway(ec2)
    ec2._ACTION_MAP["CreateRoute"] = _routing(ec2, ec2._create_route)
    ec2._ACTION_MAP["ReplaceRoute"] = _routing(ec2, ec2._replace_route)


def _join(ec2: Any, address: dict[str, Any], interface_id: str, private: str | None) -> None:
    address["AssociationId"] = f"eipassoc-{ec2.new_uuid().replace('-', '')[:17]}"
    address["NetworkInterfaceId"] = interface_id
    address["PrivateIpAddress"] = private
    interface = ec2._network_interfaces.get(interface_id) or {}
    address["InstanceId"] = (interface.get("Attachment") or {}).get("InstanceId")


def _part(address: dict[str, Any]) -> None:
    for name in ("AssociationId", "InstanceId", "NetworkInterfaceId", "PrivateIpAddress"):
        address[name] = None


def _associating(ec2: Any) -> Any:
    original = ec2._associate_address

    def associate(parameters: dict[str, Any]) -> Any:
        interface_id = ec2._p(parameters, "NetworkInterfaceId")
        address = ec2._addresses.get(ec2._p(parameters, "AllocationId"))
        if not interface_id or address is None:
            return original(parameters)
        interface = ec2._network_interfaces.get(interface_id)
        if interface is None:
            message = f"The networkInterface ID '{interface_id}' does not exist"
            return ec2._error("InvalidNetworkInterfaceID.NotFound", message, BAD_REQUEST)
        _join(ec2, address, interface_id, interface["PrivateIpAddress"])
        inner = f"<return>true</return><associationId>{address['AssociationId']}</associationId>"
        return ec2._xml(OK, "AssociateAddressResponse", inner)

    return associate


def _disassociating(ec2: Any) -> Any:
    def answer(parameters: dict[str, Any]) -> Any:
        wanted = ec2._p(parameters, "AssociationId")
        for address in ec2._addresses.values():
            if address["AssociationId"] == wanted:
                _part(address)
                return ec2._xml(OK, "DisassociateAddressResponse", "<return>true</return>")
        message = f"The association ID '{wanted}' does not exist"
        return ec2._error("InvalidAssociationID.NotFound", message, BAD_REQUEST)

    return answer


def _describing_addresses(ec2: Any) -> Any:
    def matches(address: dict[str, Any], filters: dict[str, list[str]]) -> bool:
        if not ec2._resource_matches_tag_filters(address["AllocationId"], filters):
            return False
        wanted = ((ADDRESS_FILTERS[n], v) for n, v in filters.items() if n in ADDRESS_FILTERS)
        return all(address.get(field) in values for field, values in wanted)

    def describe(address: dict[str, Any]) -> str:
        shown = dict(address)
        interface = ec2._network_interfaces.get(address.get("NetworkInterfaceId") or "")
        if interface is not None:
            shown["InstanceId"] = (interface.get("Attachment") or {}).get("InstanceId")
        fields = "".join(
            f"<{element}>{shown[name]}</{element}>"
            for name, element in ADDRESS_FIELDS.items()
            if shown.get(name)
        )
        group = f"<networkBorderGroup>{ec2.get_region()}</networkBorderGroup>"
        return f"<item>{fields}{group}{ec2._tag_set_xml(address['AllocationId'])}</item>"

    def answer(parameters: dict[str, Any]) -> Any:
        ids = ec2._parse_member_list(parameters, "AllocationId")
        missing = [identifier for identifier in ids if identifier not in ec2._addresses]
        if missing:
            message = f"The allocation ID '{missing[0]}' does not exist"
            return ec2._error("InvalidAllocationID.NotFound", message, BAD_REQUEST)
        filters = ec2._parse_filters(parameters)
        items = "".join(
            describe(address)
            for address in ec2._addresses.values()
            if (not ids or address["AllocationId"] in ids) and matches(address, filters)
        )
        inner = f"<addressesSet>{items}</addressesSet>"
        return ec2._xml(OK, "DescribeAddressesResponse", inner)

    return answer


def _releasing(ec2: Any) -> Any:
    original = ec2._release_address

    def release(parameters: dict[str, Any]) -> Any:
        address = ec2._addresses.get(ec2._p(parameters, "AllocationId"))
        if address is not None and address["AssociationId"]:
            message = f"Address {address['PublicIp']} is in use."
            return ec2._error("InvalidIPAddress.InUse", message, BAD_REQUEST)
        return original(parameters)

    return release


def _creating_gateway(ec2: Any) -> Any:
    original = ec2._create_nat_gateway

    def create(parameters: dict[str, Any]) -> Any:
        allocation = ec2._p(parameters, "AllocationId")
        address = ec2._addresses.get(allocation)
        if allocation and (address is None or address["AssociationId"]):
            code = (
                "InvalidAllocationID.NotFound" if address is None else "Resource.AlreadyAssociated"
            )
            message = f"Elastic IP address [{allocation}] does not exist or is in use"
            return ec2._error(code, message, BAD_REQUEST)
        before = set(ec2._nat_gateways)
        answer = original(parameters)
        for identifier in set(ec2._nat_gateways) - before:
            gateway = ec2._nat_gateways[identifier]
            gateway["PrivateIp"] = address_in(ec2, gateway["SubnetId"])
            gateway["NetworkInterfaceId"] = "eni-" + identifier.removeprefix("nat-")
            if address is not None:
                _join(ec2, address, gateway["NetworkInterfaceId"], gateway["PrivateIp"])
                gateway["PublicIp"] = address["PublicIp"]
                gateway["AssociationId"] = address["AssociationId"]
            answer = _with_addresses(answer, gateway)
        return answer

    return create


def _address_set(gateway: dict[str, Any]) -> str:
    fields = {
        "allocationId": gateway.get("AllocationId"),
        "associationId": gateway.get("AssociationId"),
        "networkInterfaceId": gateway.get("NetworkInterfaceId"),
        "privateIp": gateway.get("PrivateIp"),
        "publicIp": gateway.get("PublicIp"),
        "isPrimary": "true",
        "status": "succeeded",
    }
    item = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items() if value)
    return f"<natGatewayAddressSet><item>{item}</item></natGatewayAddressSet>"


def _with_addresses(answer: Any, *gateways: dict[str, Any]) -> Any:
    """Fill the empty sets of addresses in an answer, which are in the order of the gateways."""
    status, headers, body = answer
    first, *rest = body.decode().split("<natGatewayAddressSet/>")
    filled = "".join(
        _address_set(gateway) + part for gateway, part in zip(gateways, rest, strict=True)
    )
    return status, headers, (first + filled).encode()


def _describing_gateways(ec2: Any) -> Any:
    original = ec2._describe_nat_gateways

    def describe(parameters: dict[str, Any]) -> Any:
        status, headers, body = original(parameters)
        shown = [
            part.split("</natGatewayId>", 1)[0]
            for part in body.decode().split("<natGatewayId>")[1:]
        ]
        gateways = [ec2._nat_gateways[identifier] for identifier in shown]
        return _with_addresses((status, headers, body), *gateways)

    return describe


def _deleting_gateway(ec2: Any) -> Any:
    original = ec2._delete_nat_gateway

    def delete(parameters: dict[str, Any]) -> Any:
        gateway = ec2._nat_gateways.get(ec2._p(parameters, "NatGatewayId"))
        answer = original(parameters)
        if gateway is not None:
            for address in ec2._addresses.values():
                if address["NetworkInterfaceId"] == gateway.get("NetworkInterfaceId"):
                    _part(address)
            gateway["PrivateIp"] = None
        return answer

    return delete


def _routing(ec2: Any, original: Any) -> Any:
    def route(parameters: dict[str, Any]) -> Any:
        answer = original(parameters)
        table = ec2._route_tables.get(ec2._p(parameters, "RouteTableId")) or {"Routes": []}
        destination = ec2._p(parameters, "DestinationCidrBlock")
        targets = {name: ec2._p(parameters, name) for name in ROUTE_TARGETS}
        for found in table["Routes"]:
            if destination and found.get("DestinationCidrBlock") == destination:
                for name in ROUTE_TARGETS:
                    found.pop(name, None)
                found.update({name: value for name, value in targets.items() if value})
        return answer

    return route
