"""Network interfaces: addresses of their subnets, tags, attributes, and who is attached.

MiniStack 1.5.33 gives an interface an address from anywhere, forgets its tags, knows no
ModifyNetworkInterfaceAttribute, no filters, and answers for an interface that does not exist
with an empty list, where AWS gives an error, for which Terraform waits.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

EXPECTED = {
    "_attach_network_interface": "be1dd4f1d477",
    "_create_network_interface": "7093afa7174a",
    "_describe_network_interfaces": "61ccec97e205",
    "_detach_network_interface": "c1a924152b88",
    "_eni_fields_xml": "fc33877b1ab5",
}

OK = 200
BAD_REQUEST = 400

# AWS keeps the first four addresses of a subnet, and the last one.
FIRST_FREE = 4
FILTERS: dict[str, Callable[[dict[str, Any]], list[Any]]] = {
    "availability-zone": lambda i: [i.get("AvailabilityZone")],
    "attachment.attachment-id": lambda i: [(i.get("Attachment") or {}).get("AttachmentId")],
    "attachment.instance-id": lambda i: [(i.get("Attachment") or {}).get("InstanceId")],
    "description": lambda i: [i["Description"]],
    "group-id": lambda i: [group["GroupId"] for group in i["Groups"]],
    "interface-type": lambda i: [i.get("InterfaceType")],
    "network-interface-id": lambda i: [i["NetworkInterfaceId"]],
    "private-ip-address": lambda i: [i["PrivateIpAddress"]],
    "status": lambda i: [i["Status"]],
    "subnet-id": lambda i: [i["SubnetId"]],
    "vpc-id": lambda i: [i["VpcId"]],
}


def free_address(address_range: str, used: Iterable[str]) -> str:
    """Return the first address of a subnet that nobody has.

    Raises ValueError when there is none.
    """
    network = ipaddress.ip_network(address_range)
    taken = set(used)
    for offset in range(FIRST_FREE, network.num_addresses - 1):
        address = str(network[offset])
        if address not in taken:
            return address
    raise ValueError(f"subnet {address_range} has no free address")


def address_in(ec2: Any, subnet_id: str) -> str | None:
    """Return a free address of a subnet; None for a subnet that the emulator does not know."""
    subnet = ec2._subnets.get(subnet_id)
    if subnet is None:
        return None
    members = [
        *ec2._network_interfaces.values(),
        *ec2._nat_gateways.values(),
        *(i for i in ec2._instances.values() if i["State"]["Name"] != "terminated"),
    ]
    used = [
        member.get("PrivateIpAddress") or member.get("PrivateIp") or ""
        for member in members
        if member["SubnetId"] == subnet_id
    ]
    return free_address(subnet["CidrBlock"], used)


def public_address(ec2: Any, interface_id: str) -> dict[str, Any] | None:
    """Return the Elastic IP record that belongs to an interface, if any."""
    return next(
        (a for a in ec2._addresses.values() if a.get("NetworkInterfaceId") == interface_id), None
    )


def groups(ec2: Any, identifiers: Iterable[str]) -> list[dict[str, str]]:
    """Return security groups as interfaces and instances name them."""
    return [
        {"GroupId": i, "GroupName": ec2._security_groups.get(i, {}).get("GroupName", i)}
        for i in identifiers
    ]


def attach(ec2: Any, interface: dict[str, Any], instance_id: str, device_index: int) -> None:
    """Attach an interface to an instance that has just been started with it."""
    interface["Status"] = "in-use"
    interface["Attachment"] = {
        "AttachmentId": "eni-attach-" + interface["NetworkInterfaceId"].removeprefix("eni-"),
        "InstanceId": instance_id,
        "DeviceIndex": device_index,
        "Status": "attached",
        "AttachTime": ec2._now_ts(),
        # As AWS does with an interface that was there before the instance.
        "DeleteOnTermination": False,
    }


def detach(interface: dict[str, Any]) -> None:
    """Take an interface off its instance."""
    interface["Status"] = "available"
    interface["Attachment"] = None


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend interfaces. Raises MendError if it is another emulator."""
    from ministack.services import ec2

    expect(ec2, EXPECTED)
    ec2._eni_fields_xml = _whole(ec2, ec2._eni_fields_xml)
    ec2._ACTION_MAP["CreateNetworkInterface"] = _creating(ec2)
    ec2._ACTION_MAP["DescribeNetworkInterfaces"] = _describing(ec2)
    ec2._ACTION_MAP["DetachNetworkInterface"] = _detaching(ec2)
    ec2._ACTION_MAP["ModifyNetworkInterfaceAttribute"] = _modifying(ec2)


def _whole(ec2: Any, original: Any) -> Any:
    def fields(interface: dict[str, Any], tag: str = "item") -> str:
        text: str = original(interface, tag)
        attachment = interface.get("Attachment")
        if attachment:
            deleted = str(attachment.get("DeleteOnTermination", False)).lower()
            added = f"<deleteOnTermination>{deleted}</deleteOnTermination>"
            added += f"<instanceOwnerId>{interface['OwnerId']}</instanceOwnerId>"
            text = text.replace("</attachment>", f"{added}</attachment>")
        address = public_address(ec2, interface["NetworkInterfaceId"])
        if address:
            association = (
                "<association>"
                f"<allocationId>{address['AllocationId']}</allocationId>"
                f"<associationId>{address['AssociationId']}</associationId>"
                f"<publicIp>{address['PublicIp']}</publicIp>"
                f"<ipOwnerId>{interface['OwnerId']}</ipOwnerId>"
                "</association>"
            )
            text = text.removesuffix(f"</{tag}>") + association + f"</{tag}>"
        return text

    return fields


def _creating(ec2: Any) -> Any:
    original = ec2._create_network_interface

    def create(parameters: dict[str, Any]) -> Any:
        before = set(ec2._network_interfaces)
        answer = original(parameters)
        for identifier in set(ec2._network_interfaces) - before:
            interface = ec2._network_interfaces[identifier]
            asked = ec2._p(parameters, "PrivateIpAddress") or ec2._p(
                parameters, "PrivateIpAddresses.1.PrivateIpAddress"
            )
            # Set aside, so that its first address does not count as used.
            interface["PrivateIpAddress"] = ""
            interface["PrivateIpAddress"] = asked or address_in(ec2, interface["SubnetId"])
            ec2._parse_tag_specs(parameters, "network-interface", identifier)
            fields = ec2._eni_fields_xml(interface, tag="networkInterface")
            answer = ec2._xml(OK, "CreateNetworkInterfaceResponse", fields)
        return answer

    return create


def _describing(ec2: Any) -> Any:
    def matches(interface: dict[str, Any], filters: dict[str, list[str]]) -> bool:
        if not ec2._resource_matches_tag_filters(interface["NetworkInterfaceId"], filters):
            return False
        return all(
            set(FILTERS[name](interface)) & set(values)
            for name, values in filters.items()
            if name in FILTERS
        )

    def answer(parameters: dict[str, Any]) -> Any:
        ids = ec2._parse_member_list(parameters, "NetworkInterfaceId")
        missing = [identifier for identifier in ids if identifier not in ec2._network_interfaces]
        if missing:
            return _not_found(ec2, missing[0])
        filters = ec2._parse_filters(parameters)
        items = "".join(
            ec2._eni_fields_xml(interface)
            for interface in ec2._network_interfaces.values()
            if (not ids or interface["NetworkInterfaceId"] in ids) and matches(interface, filters)
        )
        inner = f"<networkInterfaceSet>{items}</networkInterfaceSet>"
        return ec2._xml(OK, "DescribeNetworkInterfacesResponse", inner)

    return answer


def _detaching(ec2: Any) -> Any:
    def answer(parameters: dict[str, Any]) -> Any:
        wanted = ec2._p(parameters, "AttachmentId")
        for interface in ec2._network_interfaces.values():
            if (interface.get("Attachment") or {}).get("AttachmentId") == wanted:
                detach(interface)
                return ec2._xml(OK, "DetachNetworkInterfaceResponse", "<return>true</return>")
        message = f"The attachment '{wanted}' does not exist"
        return ec2._error("InvalidAttachmentID.NotFound", message, BAD_REQUEST)

    return answer


def _modifying(ec2: Any) -> Any:
    def answer(parameters: dict[str, Any]) -> Any:
        identifier = ec2._p(parameters, "NetworkInterfaceId")
        interface = ec2._network_interfaces.get(identifier)
        if interface is None:
            return _not_found(ec2, identifier)
        checked = ec2._p(parameters, "SourceDestCheck.Value")
        if checked:
            interface["SourceDestCheck"] = checked == "true"
        if "Description.Value" in parameters:
            interface["Description"] = ec2._p(parameters, "Description.Value")
        members = ec2._parse_member_list(parameters, "SecurityGroupId")
        if members:
            interface["Groups"] = groups(ec2, members)
        deleted = ec2._p(parameters, "Attachment.DeleteOnTermination")
        if deleted and interface.get("Attachment"):
            interface["Attachment"]["DeleteOnTermination"] = deleted == "true"
        return ec2._xml(OK, "ModifyNetworkInterfaceAttributeResponse", "<return>true</return>")

    return answer


def _not_found(ec2: Any, identifier: str) -> Any:
    message = f"The networkInterface ID '{identifier}' does not exist"
    return ec2._error("InvalidNetworkInterfaceID.NotFound", message, BAD_REQUEST)
