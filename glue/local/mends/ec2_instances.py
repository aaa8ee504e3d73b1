"""Instances are what they were started as, and are changed as on AWS.

MiniStack 1.5.33 forgets the interfaces, metadata options, encryption, tags of volumes and
most attributes of RunInstances, and cannot change an instance afterwards. Instances remain
records: nothing boots, no user data runs, no packet is forwarded. An interface of its own is
kept only where the request names one.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from glue.local.mends.ec2_images import ARM_IMAGE
from glue.local.mends.ec2_interfaces import attach, detach, groups, public_address
from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {
    "_describe_instance_attribute": "1efb3ec990f7",
    "_instance_xml": "23da5ccb4eb6",
    "_run_instances": "9f180eb007cb",
    "_terminate_instances": "2cd7b7d0c4d1",
    "_volume_inner_xml": "9a3c4a3b22d4",
}

OK = 200
BAD_REQUEST = 400

METADATA_DEFAULTS = {
    "HttpEndpoint": "enabled",
    "HttpProtocolIpv6": "disabled",
    "HttpPutResponseHopLimit": "2",
    "HttpTokens": "required",
    "InstanceMetadataTags": "disabled",
}
# Attributes of an instance: how a request names them, and what an answer calls them.
ATTRIBUTES = {
    "disableApiStop": ("DisableApiStop", "false"),
    "disableApiTermination": ("DisableApiTermination", "false"),
    "ebsOptimized": ("EbsOptimized", "false"),
    "instanceInitiatedShutdownBehavior": ("InstanceInitiatedShutdownBehavior", "stop"),
    "instanceType": ("InstanceType", "t2.micro"),
    "sourceDestCheck": ("SourceDestCheck", "true"),
    "userData": ("UserData", ""),
}
INSTANCE_ID = re.compile(r"<instanceId>(i-[0-9a-f]+)</instanceId>")


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend instances. Raises MendError if it is another emulator."""
    from ministack.services import ec2

    expect(ec2, EXPECTED)
    ec2._instance_xml = _whole(ec2, ec2._instance_xml)
    ec2._volume_inner_xml = _whole_volume(ec2._volume_inner_xml)
    ec2._ACTION_MAP["RunInstances"] = _running(ec2)
    ec2._ACTION_MAP["TerminateInstances"] = _terminating(ec2)
    ec2._ACTION_MAP["DescribeInstanceAttribute"] = _describing_attribute(ec2)
    ec2._ACTION_MAP["ModifyInstanceAttribute"] = _modifying_attribute(ec2)
    ec2._ACTION_MAP["ModifyInstanceMetadataOptions"] = _modifying_metadata(ec2)


def interfaces_of(ec2: Any, instance_id: str) -> list[dict[str, Any]]:
    """Return the interfaces attached to an instance, in the order of its devices."""
    attached = [
        interface
        for interface in ec2._network_interfaces.values()
        if (interface.get("Attachment") or {}).get("InstanceId") == instance_id
    ]
    return sorted(attached, key=lambda interface: interface["Attachment"]["DeviceIndex"])


def _metadata(given: dict[str, str]) -> dict[str, str]:
    return {name: given.get(name) or default for name, default in METADATA_DEFAULTS.items()}


def _whole(ec2: Any, original: Any) -> Any:
    def describe(instance: dict[str, Any]) -> str:
        shown = dict(instance)
        interfaces = interfaces_of(ec2, instance["InstanceId"])
        if interfaces:
            address = public_address(ec2, interfaces[0]["NetworkInterfaceId"])
            shown["PublicIpAddress"] = address["PublicIp"] if address else ""
            shown["PublicDnsName"] = ""
            shown["SourceDestCheck"] = interfaces[0]["SourceDestCheck"]
        options = _metadata(instance.get("MetadataOptions") or {})
        metadata = "".join(
            f"<{n[0].lower()}{n[1:]}>{v}</{n[0].lower()}{n[1:]}>" for n, v in options.items()
        )
        recovery = instance.get("AutoRecovery") or "default"
        attached = "".join(map(ec2._eni_fields_xml, interfaces))
        added = (
            f"<networkInterfaceSet>{attached}</networkInterfaceSet>"
            f"<metadataOptions><state>applied</state>{metadata}</metadataOptions>"
            f"<maintenanceOptions><autoRecovery>{recovery}</autoRecovery></maintenanceOptions>"
            f"<ebsOptimized>{instance.get('EbsOptimized') or 'false'}</ebsOptimized>"
            "<enaSupport>true</enaSupport>"
        )
        text: str = original(shown)
        return text.removesuffix("</item>") + added + "</item>"

    return describe


def _whole_volume(original: Any) -> Any:
    def describe(volume: dict[str, Any]) -> str:
        text: str = original(volume)
        if volume.get("Throughput"):
            text += f"<throughput>{volume['Throughput']}</throughput>"
        if volume.get("KmsKeyId"):
            text += f"<kmsKeyId>{volume['KmsKeyId']}</kmsKeyId>"
        return text

    return describe


def _running(ec2: Any) -> Any:
    original = ec2._run_instances

    def run(parameters: dict[str, Any]) -> Any:
        devices = _named_interfaces(ec2, parameters)
        missing = [i for i in devices.values() if i not in ec2._network_interfaces]
        if missing:
            message = f"The networkInterface ID '{missing[0]}' does not exist"
            return ec2._error("InvalidNetworkInterfaceID.NotFound", message, BAD_REQUEST)
        asked = dict(parameters)
        if devices:
            first = ec2._network_interfaces[devices[min(devices)]]
            asked["SubnetId"] = first["SubnetId"]
            asked["PrivateIpAddress"] = first["PrivateIpAddress"]
            for number, group in enumerate(first["Groups"], start=1):
                asked[f"SecurityGroupId.{number}"] = group["GroupId"]
        status, headers, body = original(asked)
        identifiers = INSTANCE_ID.findall(body.decode()) if status == OK else []
        for identifier in identifiers:
            instance = ec2._instances[identifier]
            _complete(ec2, instance, parameters)
            for index, interface_id in devices.items():
                attach(ec2, ec2._network_interfaces[interface_id], identifier, index)
        if status == OK:
            body = _started(ec2, identifiers)
        return status, headers, body

    return run


def _started(ec2: Any, identifiers: list[str]) -> Any:
    items = "".join(ec2._instance_xml(ec2._instances[identifier]) for identifier in identifiers)
    inner = (
        f"<instancesSet>{items}</instancesSet>"
        f"<reservationId>r-{identifiers[0].removeprefix('i-')}</reservationId>"
        f"<ownerId>{ec2.get_account_id()}</ownerId><groupSet/>"
    )
    return ec2._xml(OK, "RunInstancesResponse", inner)[2]


def _named_interfaces(ec2: Any, parameters: dict[str, Any]) -> dict[int, str]:
    """Return the interfaces that a request names, by device index."""
    found = {}
    number = 1
    while f"NetworkInterface.{number}.DeviceIndex" in parameters:
        prefix = f"NetworkInterface.{number}"
        interface_id = ec2._p(parameters, f"{prefix}.NetworkInterfaceId")
        if interface_id:
            found[int(ec2._p(parameters, f"{prefix}.DeviceIndex"))] = interface_id
        number += 1
    return found


def _complete(ec2: Any, instance: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Keep with an instance and its volume what the request says of them."""
    zone = ec2._subnets.get(instance["SubnetId"], {}).get("AvailabilityZone")
    if zone:
        instance["Placement"]["AvailabilityZone"] = zone
    if instance["ImageId"] == ARM_IMAGE:
        instance["Architecture"] = "arm64"
    instance["AutoRecovery"] = ec2._p(parameters, "MaintenanceOptions.AutoRecovery")
    instance["MetadataOptions"] = {
        name: ec2._p(parameters, f"MetadataOptions.{name}") for name in METADATA_DEFAULTS
    }
    for name, _ in ATTRIBUTES.values():
        if ec2._p(parameters, name):
            instance[name] = ec2._p(parameters, name)
    for mapping in instance["BlockDeviceMappings"]:
        volume = ec2._volumes.get(mapping["Ebs"]["VolumeId"])
        if volume is None:
            continue
        volume["AvailabilityZone"] = instance["Placement"]["AvailabilityZone"]
        _complete_volume(ec2, volume, mapping, parameters)
        ec2._parse_tag_specs(parameters, "volume", volume["VolumeId"])


def _complete_volume(
    ec2: Any, volume: dict[str, Any], mapping: dict[str, Any], parameters: dict[str, Any]
) -> None:
    number = 1
    while ec2._p(parameters, f"BlockDeviceMapping.{number}.DeviceName"):
        prefix = f"BlockDeviceMapping.{number}"
        number += 1
        if ec2._p(parameters, f"{prefix}.DeviceName") != mapping["DeviceName"]:
            continue
        given = {
            name: ec2._p(parameters, f"{prefix}.Ebs.{name}")
            for name in ("Encrypted", "VolumeType", "VolumeSize", "Iops", "Throughput", "KmsKeyId")
        }
        volume["Encrypted"] = given["Encrypted"] == "true"
        volume["VolumeType"] = given["VolumeType"] or volume["VolumeType"]
        volume["KmsKeyId"] = given["KmsKeyId"] or None
        for name, field in (("VolumeSize", "Size"), ("Iops", "Iops"), ("Throughput", "Throughput")):
            volume[field] = int(given[name]) if given[name] else volume[field]


def _terminating(ec2: Any) -> Any:
    original = ec2._terminate_instances

    def terminate(parameters: dict[str, Any]) -> Any:
        answer = original(parameters)
        if answer[0] == OK:
            for identifier in ec2._parse_member_list(parameters, "InstanceId"):
                for interface in interfaces_of(ec2, identifier):
                    detach(interface)
                for mapping in ec2._instances[identifier]["BlockDeviceMappings"]:
                    if mapping["Ebs"].get("DeleteOnTermination", True):
                        ec2._volumes.pop(mapping["Ebs"]["VolumeId"], None)
                        ec2._tags.pop(mapping["Ebs"]["VolumeId"], None)
        return answer

    return terminate


def _describing_attribute(ec2: Any) -> Any:
    original = ec2._describe_instance_attribute

    def describe(parameters: dict[str, Any]) -> Any:
        identifier = ec2._p(parameters, "InstanceId")
        name = ec2._p(parameters, "Attribute")
        instance = ec2._instances.get(identifier)
        if instance is None or name not in ATTRIBUTES:
            return original(parameters)
        field, default = ATTRIBUTES[name]
        value = instance.get(field)
        text = str(value).lower() if isinstance(value, bool) else value or default
        shown = f"<value>{text}</value>" if text else ""
        inner = f"<instanceId>{identifier}</instanceId><{name}>{shown}</{name}>"
        return ec2._xml(OK, "DescribeInstanceAttributeResponse", inner)

    return describe


def _modifying_attribute(ec2: Any) -> Any:
    def modify(parameters: dict[str, Any]) -> Any:
        instance = ec2._instances.get(ec2._p(parameters, "InstanceId"))
        if instance is None:
            return _not_found(ec2, ec2._p(parameters, "InstanceId"))
        kind = ec2._p(parameters, "InstanceType.Value")
        if kind and instance["State"]["Name"] != "stopped":
            message = f"The instance '{instance['InstanceId']}' is not in the 'stopped' state."
            return ec2._error("IncorrectInstanceState", message, BAD_REQUEST)
        for field, _ in ATTRIBUTES.values():
            value = ec2._p(parameters, f"{field}.Value")
            if value:
                instance[field] = value == "true" if field == "SourceDestCheck" else value
        members = ec2._parse_member_list(parameters, "GroupId")
        if members:
            instance["SecurityGroups"] = groups(ec2, members)
        return ec2._xml(OK, "ModifyInstanceAttributeResponse", "<return>true</return>")

    return modify


def _modifying_metadata(ec2: Any) -> Any:
    def modify(parameters: dict[str, Any]) -> Any:
        instance = ec2._instances.get(ec2._p(parameters, "InstanceId"))
        if instance is None:
            return _not_found(ec2, ec2._p(parameters, "InstanceId"))
        options = dict(instance.get("MetadataOptions") or {})
        options |= {
            name: ec2._p(parameters, name) for name in METADATA_DEFAULTS if ec2._p(parameters, name)
        }
        instance["MetadataOptions"] = options
        inner = f"<instanceId>{instance['InstanceId']}</instanceId>"
        return ec2._xml(OK, "ModifyInstanceMetadataOptionsResponse", inner)

    return modify


def _not_found(ec2: Any, identifier: str) -> Any:
    message = f"The instance ID '{identifier}' does not exist"
    return ec2._error("InvalidInstanceID.NotFound", message, BAD_REQUEST)
