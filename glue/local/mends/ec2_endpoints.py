"""Endpoints of a network have policies, and gateway endpoints have routes.

MiniStack 1.5.33 drops an endpoint's policy and describes an endpoint that does not exist as
an empty list, where AWS answers with an error that Terraform waits for when it deletes one.
A gateway endpoint's routes appear in no route table. The policies are not enforced.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {
    "_create_vpc_endpoint": "d5a50e265189",
    "_delete_vpc_endpoints": "88183e801914",
    "_describe_vpc_endpoints": "aabef31a8419",
    "_modify_vpc_endpoint": "f60c0a5a042f",
    "_vpce_fields_xml": "645fd486d622",
}

OK = 200
EVERYTHING = json.dumps(
    {
        "Version": "2008-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
    }
)
FILTERS = {
    "service-name": "ServiceName",
    "vpc-endpoint-id": "VpcEndpointId",
    "vpc-endpoint-type": "VpcEndpointType",
    "vpc-id": "VpcId",
}


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend endpoints. Raises MendError if it is another emulator."""
    from ministack.services import ec2

    expect(ec2, EXPECTED)
    ec2._vpce_fields_xml = _with_policy(ec2._vpce_fields_xml)
    ec2._ACTION_MAP["CreateVpcEndpoint"] = _creating(ec2)
    ec2._ACTION_MAP["ModifyVpcEndpoint"] = _modifying(ec2)
    ec2._ACTION_MAP["DescribeVpcEndpoints"] = _describing(ec2)
    ec2._ACTION_MAP["DeleteVpcEndpoints"] = _deleting(ec2)


def _with_policy(original: Any) -> Any:
    def fields(endpoint: dict[str, Any], tag: str = "item") -> str:
        policy = escape(endpoint.get("PolicyDocument") or EVERYTHING)
        text: str = original(endpoint, tag)
        added = (
            f"<policyDocument>{policy}</policyDocument>"
            "<privateDnsEnabled>false</privateDnsEnabled>"
            "<requesterManaged>false</requesterManaged>"
            "<ipAddressType>ipv4</ipAddressType>"
        )
        end = f"</{tag}>"
        return text.removesuffix(end) + added + end

    return fields


def _creating(ec2: Any) -> Any:
    original = ec2._create_vpc_endpoint

    def create(parameters: dict[str, Any]) -> Any:
        before = set(ec2._vpc_endpoints)
        answer = original(parameters)
        for identifier in set(ec2._vpc_endpoints) - before:
            endpoint = ec2._vpc_endpoints[identifier]
            endpoint["PolicyDocument"] = ec2._p(parameters, "PolicyDocument") or EVERYTHING
            _route(ec2, endpoint)
            fields = ec2._vpce_fields_xml(endpoint, tag="vpcEndpoint")
            answer = ec2._xml(OK, "CreateVpcEndpointResponse", fields)
        return answer

    return create


def _modifying(ec2: Any) -> Any:
    original = ec2._modify_vpc_endpoint

    def modify(parameters: dict[str, Any]) -> Any:
        answer = original(parameters)
        endpoint = ec2._vpc_endpoints.get(ec2._p(parameters, "VpcEndpointId"))
        if endpoint is not None:
            if ec2._p(parameters, "ResetPolicy") == "true":
                endpoint["PolicyDocument"] = EVERYTHING
            _route(ec2, endpoint)
        return answer

    return modify


def _describing(ec2: Any) -> Any:
    def matches(endpoint: dict[str, Any], filters: dict[str, list[str]]) -> bool:
        if not ec2._resource_matches_tag_filters(endpoint["VpcEndpointId"], filters):
            return False
        wanted = ((FILTERS[name], values) for name, values in filters.items() if name in FILTERS)
        return all(endpoint.get(field) in values for field, values in wanted)

    def answer(parameters: dict[str, Any]) -> Any:
        ids = ec2._parse_member_list(parameters, "VpcEndpointId")
        missing = [identifier for identifier in ids if identifier not in ec2._vpc_endpoints]
        if missing:
            message = f"The Vpc Endpoint Id '{missing[0]}' does not exist"
            return ec2._error("InvalidVpcEndpointId.NotFound", message, 400)
        filters = ec2._parse_filters(parameters)
        items = "".join(
            ec2._vpce_fields_xml(endpoint)
            for endpoint in ec2._vpc_endpoints.values()
            if (not ids or endpoint["VpcEndpointId"] in ids) and matches(endpoint, filters)
        )
        inner = f"<vpcEndpointSet>{items}</vpcEndpointSet>"
        return ec2._xml(OK, "DescribeVpcEndpointsResponse", inner)

    return answer


def _deleting(ec2: Any) -> Any:
    original = ec2._delete_vpc_endpoints

    def delete(parameters: dict[str, Any]) -> Any:
        for identifier in ec2._parse_member_list(parameters, "VpcEndpointId"):
            endpoint = ec2._vpc_endpoints.get(identifier)
            if endpoint is not None:
                _route(ec2, {**endpoint, "RouteTableIds": []})
        return original(parameters)

    return delete


def _route(ec2: Any, endpoint: dict[str, Any]) -> None:
    """Let exactly the endpoint's own route tables lead to it."""
    if endpoint["VpcEndpointType"] != "Gateway":
        return
    identifier = endpoint["VpcEndpointId"]
    route = {
        "DestinationPrefixListId": ec2._aws_pl_id_from_name(endpoint["ServiceName"]),
        "GatewayId": identifier,
        "State": "active",
        "Origin": "CreateRoute",
    }
    for table in ec2._route_tables.values():
        routes = [r for r in table["Routes"] if r.get("GatewayId") != identifier]
        if table["RouteTableId"] in endpoint["RouteTableIds"]:
            routes.append(dict(route))
        table["Routes"] = routes
