"""How what carries no tags is found in AWS: in what it belongs to, which the state has."""

from __future__ import annotations

from typing import Any

import pytest

from glue.deploy.environments import Environment
from glue.deploy.recovery.parts import PARTS
from glue.deploy.recovery.search import Search, Wanted
from tests.unit.deploy.recovery.test_adoption import Cloud, cloud, find, staging, state_of

__all__ = ["cloud", "staging"]  # fixtures

POOL = {"id": "pool"}
PATHS = [
    {"id": "top", "pathPart": "", "resourceMethods": {"ANY": {}}},
    {"id": "p1", "pathPart": "token", "resourceMethods": {"POST": {}}},
    {"id": "p2", "pathPart": "known"},
]
ASSOCIATIONS = [
    {"SubnetId": "s-a", "RouteTableId": "t-a", "RouteTableAssociationId": "1"},
    {"SubnetId": "s-b", "RouteTableId": "t-a", "RouteTableAssociationId": "2"},
    {"SubnetId": "s-a", "RouteTableId": "theirs", "RouteTableAssociationId": "3"},
    {"RouteTableId": "t-a", "RouteTableAssociationId": "4", "Main": True},
]
AWS = {
    "list_user_pool_clients": {"UserPoolClients": [
        {"ClientId": "old", "ClientName": "token"}, {"ClientId": "new", "ClientName": "token"},
        {"ClientId": "x", "ClientName": "other"},
    ]},
    "get_resources": {"items": PATHS},
    "get_authorizers": {"items": [{"id": "a1", "name": "users"}, {"id": "a2", "name": "no"}]},
    "get_deployments": {"items": [{"id": "d1"}, {"id": "d2"}]},
    "list_event_source_mappings": {"EventSourceMappings": [{"UUID": "e1"}, {"UUID": "e2"}]},
    "list_layer_versions": {"LayerVersions": [
        {"LayerVersionArn": "arn:l:1"}, {"LayerVersionArn": "arn:l:2"},
    ]},
    "list_origin_access_controls": {"OriginAccessControlList": {"Items": [
        {"Id": "E1", "Name": "contents"}, {"Id": "E2", "Name": "contents"},
        {"Id": "E3", "Name": "other"},
    ]}},
    "list_response_headers_policies": {"ResponseHeadersPolicyList": {"Items": [
        {"ResponseHeadersPolicy": {"Id": i, "ResponseHeadersPolicyConfig": {"Name": name}}}
        for i, name in (("p1", "contents"), ("p2", "other"))
    ]}},
    "describe_route_tables": {"RouteTables": [{"Associations": ASSOCIATIONS}]},
}  # fmt: skip
STATE = state_of(
    api__aws_api_gateway_rest_api__this={"id": "api"},
    api__aws_api_gateway_resource__this__known={"id": "p2", "rest_api_id": "api"},
    api__aws_api_gateway_resource__this__made={"id": "p1", "rest_api_id": "api"},
    api__aws_api_gateway_deployment__this={"id": "d1"},
    net__aws_subnet__private__a={"id": "s-a"},
    net__aws_subnet__public__a={"id": "s-b"},
    net__aws_route_table__private__a={"id": "t-a"},
    net__aws_route_table__private__b={"id": "t-b"},
    old__aws_cloudfront_origin_access_control__this={"id": "E1"},
    users__aws_cognito_user_pool__this=POOL,
    users__aws_cognito_user_pool_client__this={"id": "old"},
    f__aws_lambda_function__this={"arn": "arn:f"},
    f__aws_lambda_event_source_mapping__other={"id": "e1"},
    __aws_lambda_layer_version__libraries={"arn": "arn:l:1"},
    dns__aws_route53_zone__this={"zone_id": "Z", "name": "example.org"},
)


@pytest.mark.parametrize(
    ("address", "planned", "expected"),
    [
        ("module.api.aws_api_gateway_authorizer.this", {"name": "users"}, "api/a1"),
        ("module.api.aws_api_gateway_deployment.next", {"description": "d"}, "api/d2"),
        ('module.api.aws_api_gateway_method.this["made"]', {"http_method": "POST"}, "api/p1/POST"),
        ('module.api.aws_api_gateway_method.this["made"]', {"http_method": "GET"}, None),
        ('module.api.aws_api_gateway_method.this["root"]', {"http_method": "ANY"}, "api/top/ANY"),
        ('module.api.aws_api_gateway_resource.this["x"]', {"path_part": "known"}, None),
        ("module.a.aws_cloudfront_origin_access_control.this", {"name": "contents"}, "E2"),
        ("module.a.aws_cloudfront_origin_access_control.this", {"name": "none"}, None),
        ("module.a.aws_cloudfront_response_headers_policy.this", {"name": "contents"}, "p1"),
        ("module.a.aws_cloudfront_response_headers_policy.this", {"name": "none"}, None),
        ("module.users.aws_cognito_user_group.this", {"name": "hosts"}, "pool/hosts"),
        ("module.users.aws_cognito_user_pool_client.that", {"name": "token"}, "pool/new"),
        ("aws_iam_instance_profile.a", {"name": "nodes"}, "nodes"),
        ("aws_kms_alias.a", {"name": "alias/a"}, "alias/a"),
        ("aws_kms_alias.a", {"target": "no name yet"}, None),
        ('module.f.aws_lambda_event_source_mapping.this["queue"]', {"batch": 1}, "e2"),
        ("aws_lambda_layer_version.libraries", {"layer_name": "l"}, "arn:l:2"),
        ("aws_lambda_permission.a", {"function_name": "f", "statement_id": "s"}, "f/s"),
        ('module.net.module.nat.aws_route.this["b"]', {"destination_cidr_block": "0/0"}, "t-b_0/0"),
        ('module.net.module.nat.aws_route.this["c"]', {"destination_cidr_block": "0/0"}, None),
        ("aws_route53_record.a", {"name": "a.example.org", "type": "A"}, "Z_a.example.org_A"),
        (
            "aws_route53_record.a",
            {"zone_id": "Y", "name": "a", "type": "A", "set_identifier": "eu"},
            "Y_a_A_eu",
        ),
        ("aws_route53_record.a", {"name": "another-example.org", "type": "A"}, None),
        ('module.net.aws_route_table_association.private["a"]', {"gateway": 0}, "s-a/t-a"),
        ('module.net.aws_route_table_association.private["z"]', {"gateway": 0}, None),
    ],
)
def test_a_part_is_found(
    staging: Environment,
    cloud: Cloud,
    address: str,
    planned: dict[str, Any],
    expected: str | None,
) -> None:
    cloud.answers = AWS
    found = find(staging, Wanted(address, planned), STATE)
    assert found == (() if expected is None else (expected,))


@pytest.mark.parametrize("kind", sorted(PARTS))
def test_nothing_is_found_of_what_belongs_to_nothing(
    staging: Environment,
    cloud: Cloud,
    kind: str,
) -> None:
    cloud.answers = {**AWS, "list_layer_versions": {"LayerVersions": []}}
    assert find(staging, Wanted(f"{kind}.this", {"tags": {"a": "b"}, "layer_name": "l"})) == ()


def test_what_something_belongs_to_is_in_its_module_or_around_it(staging: Environment) -> None:
    search = Search(staging, STATE)

    def parent(address: str, kind: str) -> Any:
        return search.parent(Wanted(address, {}), kind, "id")

    assert parent('module.net.module.a["x.y"].b.c["a"]', "aws_route_table") == "t-a"
    assert parent("module.net.b.c", "aws_route_table") is None, "two would do"
    assert parent("module.users.module.a.b.c", "aws_cognito_user_pool") == "pool"
    assert parent("module.f.b.c", "aws_cognito_user_pool") is None, "another module's"


@pytest.mark.parametrize(
    ("address", "module", "kind", "key"),
    [
        ("aws_vpc.this", "", "aws_vpc", ""),
        ('module.a["b.c"].module.d[0].aws_vpc.this["e.\\"f"]',
         'module.a["b.c"].module.d[0]', "aws_vpc", '["e.\\"f"]'),
        ("module.a.aws_vpc.module[0]", "module.a", "aws_vpc", "[0]"),
    ],
)  # fmt: skip
def test_the_parts_of_an_address(address: str, module: str, kind: str, key: str) -> None:
    wanted = Wanted(address, {})
    assert (wanted.module, wanted.type, wanted.key) == (module, kind, key)
