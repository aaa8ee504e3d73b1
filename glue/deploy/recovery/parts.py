"""How what carries no tags is found in AWS: by its name, or within what it belongs to.

Each function returns what `terraform import` takes for everything that may be the one planned.
Terraform itself says whether a name exists, so a name alone needs no question to AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from glue.deploy.recovery.search import Search, Wanted

# AWS takes these a second time as if it were the first: nothing is doubled, nothing fails.
# https://docs.aws.amazon.com: Put…, Attach…, Associate… and Subscribe of the services.
REPEATABLE = frozenset({
    "aws_acm_certificate_validation", "aws_api_gateway_account",
    "aws_api_gateway_gateway_response", "aws_api_gateway_integration",
    "aws_api_gateway_method_settings", "aws_api_gateway_rest_api_policy",
    "aws_autoscaling_group_tag", "aws_cloudwatch_event_rule", "aws_cloudwatch_event_target",
    "aws_cloudwatch_dashboard", "aws_cloudwatch_log_resource_policy", "aws_cloudwatch_metric_alarm",
    "aws_default_security_group", "aws_ecr_lifecycle_policy", "aws_ecr_replication_configuration",
    "aws_ecr_repository_policy", "aws_eks_access_policy_association", "aws_iam_role_policy",
    "aws_iam_role_policy_attachment", "aws_iam_user_policy",
    "aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket_logging", "aws_s3_bucket_notification",
    "aws_s3_bucket_object_lock_configuration", "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy", "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_versioning",
    "aws_secretsmanager_secret_version", "aws_sns_topic_policy", "aws_sns_topic_subscription",
    "aws_sqs_queue_redrive_policy", "terraform_data",
})  # fmt: skip


# Found by the path they are of.
PARTS_OF_PARTS = frozenset({"aws_api_gateway_method"})


def _planned(*attributes: str, separator: str = "/") -> Callable[[Search, Wanted], list[str]]:
    """Return how to find what is imported by planned values alone."""

    def find(_: Search, wanted: Wanted) -> list[str]:
        values = [wanted.values.get(name) for name in attributes]
        return [separator.join(map(str, values))] if all(values) else []

    return find


def _of_pool(search: Search, wanted: Wanted) -> Any:
    return wanted.values.get("user_pool_id") or search.parent(wanted, "aws_cognito_user_pool", "id")


def _of_api(search: Search, wanted: Wanted) -> Any:
    return wanted.values.get("rest_api_id") or search.parent(
        wanted, "aws_api_gateway_rest_api", "id"
    )


def _group(search: Search, wanted: Wanted) -> list[str]:
    pool = _of_pool(search, wanted)
    return [f"{pool}/{wanted.values['name']}"] if pool else []


def _pool_client(search: Search, wanted: Wanted) -> list[str]:
    pool = _of_pool(search, wanted)
    if not pool:
        return []
    known = search.known(wanted.type)
    pages = search.client("cognito-idp").get_paginator("list_user_pool_clients")
    return [
        f"{pool}/{one['ClientId']}"
        for page in pages.paginate(UserPoolId=pool)
        for one in page["UserPoolClients"]
        if one["ClientName"] == wanted.values["name"] and one["ClientId"] not in known
    ]


def _resources(search: Search, api: str) -> list[dict[str, Any]]:
    """Return the paths of an API, with the methods of each."""
    pages = search.client("apigateway").get_paginator("get_resources")
    answer = pages.paginate(restApiId=api, embed=["methods"])
    return [one for page in answer for one in page["items"]]


def _path(search: Search, wanted: Wanted) -> list[str]:
    api = _of_api(search, wanted)
    known = search.known(wanted.type)
    return [
        f"{api}/{one['id']}"
        for one in (_resources(search, api) if api else [])
        if one.get("pathPart") == wanted.values["path_part"] and one["id"] not in known
    ]


def _method(search: Search, wanted: Wanted) -> list[str]:
    """Find a method of the path that has the same key, or of the API's root for lack of one."""
    api = _of_api(search, wanted)
    if not api:
        return []
    verb = wanted.values["http_method"]
    paths = {
        one.key: values["id"]
        for one, values in search.resources.values()
        if one.type == "aws_api_gateway_resource" and values.get("rest_api_id") == api
    }
    path = paths.get(wanted.key)
    return [
        f"{api}/{one['id']}/{verb}"
        for one in _resources(search, api)
        if verb in one.get("resourceMethods", {})
        and (one["id"] == path if path else not one.get("pathPart"))
    ]


def _authorizer(search: Search, wanted: Wanted) -> list[str]:
    api = _of_api(search, wanted)
    if not api:
        return []
    known = search.known(wanted.type)
    found = search.client("apigateway").get_authorizers(restApiId=api)["items"]
    return [
        f"{api}/{one['id']}"
        for one in found
        if one["name"] == wanted.values["name"] and one["id"] not in known
    ]


def _deployment(search: Search, wanted: Wanted) -> list[str]:
    api = _of_api(search, wanted)
    if not api:
        return []
    known = search.known(wanted.type)
    pages = search.client("apigateway").get_paginator("get_deployments").paginate(restApiId=api)
    found = (one["id"] for page in pages for one in page["items"])
    return [f"{api}/{one}" for one in found if one not in known]


def _event_source(search: Search, wanted: Wanted) -> list[str]:
    function = wanted.values.get("function_name") or search.parent(
        wanted, "aws_lambda_function", "arn"
    )
    if not function:
        return []
    known = search.known(wanted.type)
    pages = search.client("lambda").get_paginator("list_event_source_mappings")
    ids = [
        one["UUID"]
        for page in pages.paginate(FunctionName=function)
        for one in page["EventSourceMappings"]
    ]
    return [one for one in ids if one not in known]


def _layer(search: Search, wanted: Wanted) -> list[str]:
    known = search.known(wanted.type, "arn")
    pages = search.client("lambda").get_paginator("list_layer_versions")
    return [
        one["LayerVersionArn"]
        for page in pages.paginate(LayerName=wanted.values["layer_name"])
        for one in page["LayerVersions"]
        if one["LayerVersionArn"] not in known
    ]


def _association(search: Search, wanted: Wanted) -> list[str]:
    """Find which of our subnets has one of our tables without the state knowing it."""
    known = search.known(wanted.type)
    tables = search.known("aws_route_table")
    # A subnet has one table: that of the same name and key is the one, where names agree.
    name = wanted.address.removeprefix(f"{wanted.module}.").removeprefix(f"{wanted.type}.")
    subnets = [
        values["id"]
        for one, values in search.resources.values()
        if one.address.endswith(f"aws_subnet.{name}") and one.module == wanted.module
    ]
    pages = (
        search.client("ec2")
        .get_paginator("describe_route_tables")
        .paginate(Filters=[{"Name": "association.subnet-id", "Values": subnets or ["none"]}])
    )
    return [
        f"{one['SubnetId']}/{one['RouteTableId']}"
        for page in pages
        for table in page["RouteTables"]
        for one in table["Associations"]
        if one.get("SubnetId") in subnets
        and one["RouteTableId"] in tables
        and one["RouteTableAssociationId"] not in known
    ]


def _route(search: Search, wanted: Wanted) -> list[str]:
    table = wanted.values.get("route_table_id") or search.parent(wanted, "aws_route_table", "id")
    target = wanted.values.get("destination_cidr_block")
    return [f"{table}_{target}"] if table and target else []


def _record(search: Search, wanted: Wanted) -> list[str]:
    zone = wanted.values.get("zone_id")
    name, kind = wanted.values.get("name"), wanted.values.get("type")
    zones = [zone] if zone else [
        values["zone_id"]
        for one, values in search.resources.values()
        if one.type == "aws_route53_zone" and f".{name}".endswith(f".{values['name']}")
    ]  # fmt: skip
    last = wanted.values.get("set_identifier")
    return [f"{one}_{name}_{kind}" + (f"_{last}" if last else "") for one in zones if name]


def _access_control(search: Search, wanted: Wanted) -> list[str]:
    known = search.known(wanted.type)
    answer = search.client("cloudfront").list_origin_access_controls()
    return [
        one["Id"]
        for one in answer["OriginAccessControlList"].get("Items", ())
        if one["Name"] == wanted.values.get("name") and one["Id"] not in known
    ]


def _headers_policy(search: Search, wanted: Wanted) -> list[str]:
    known = search.known(wanted.type)
    answer = search.client("cloudfront").list_response_headers_policies(Type="custom")
    listed = answer["ResponseHeadersPolicyList"].get("Items", ())
    found = [one["ResponseHeadersPolicy"] for one in listed]
    return [
        one["Id"]
        for one in found
        if one["ResponseHeadersPolicyConfig"]["Name"] == wanted.values.get("name")
        and one["Id"] not in known
    ]


PARTS: Mapping[str, Callable[[Search, Wanted], list[str]]] = {
    "aws_api_gateway_authorizer": _authorizer,
    "aws_api_gateway_deployment": _deployment,
    "aws_api_gateway_method": _method,
    "aws_api_gateway_resource": _path,
    "aws_cloudfront_origin_access_control": _access_control,
    "aws_cloudfront_response_headers_policy": _headers_policy,
    "aws_cognito_user_group": _group,
    "aws_cognito_user_pool_client": _pool_client,
    "aws_iam_instance_profile": _planned("name"),
    "aws_kms_alias": _planned("name"),
    "aws_lambda_event_source_mapping": _event_source,
    "aws_lambda_layer_version": _layer,
    "aws_lambda_permission": _planned("function_name", "statement_id"),
    "aws_route": _route,
    "aws_route53_record": _record,
    "aws_route_table_association": _association,
}
