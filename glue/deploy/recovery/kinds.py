"""How each type of resource that carries tags is recognised in AWS, and what import calls it.

A thing that an apply was making when it was killed has no id in the log. It has our tags, and
either its name is in its ARN or AWS tells it when asked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from glue.deploy.recovery.search import Search, Wanted
    from glue.deploy.tagged import Tagged


class Found(NamedTuple):
    """Something in AWS: its tags and ARN, and the parts of the ARN that its type names."""

    one: Tagged
    parts: Mapping[str, str]


def _import_id(_: Search, found: Found) -> str:
    """Return what most types are imported by: an id in the ARN, a name, or the ARN itself."""
    parts = found.parts
    return parts.get("id") or parts.get("name") or found.one.arn


def _nothing(_: Search, __: Found) -> dict[str, Any]:
    """Return what is known of a thing beside its tags and the name in its ARN."""
    return {}


class Kind(NamedTuple):
    """One type: the service and what its ARNs look like behind the account.

    The group `name` of the pattern is compared with the planned `attribute`, and `described`
    with the attributes of the same names; `import_id` says what to import.
    """

    service: str
    pattern: str
    attribute: str = "name"
    described: Callable[[Search, Found], Mapping[str, Any]] = _nothing
    import_id: Callable[[Search, Found], str] = _import_id

    def read(self, one: Tagged) -> Found | None:
        """Return a tagged thing with the parts of its ARN if it is of this type."""
        match = re.fullmatch(self.pattern, one.resource) if one.service == self.service else None
        return Found(one, match.groupdict()) if match else None

    def is_it(self, search: Search, wanted: Wanted, found: Found) -> bool:
        """Tell whether something in AWS may be what was planned.

        What is unknown before an apply says nothing for or against it.
        """
        planned = wanted.values
        if not (planned.get("tags_all") or {}).items() <= found.one.tags.items():
            return False
        name = found.parts.get("name")
        if name is not None and planned.get(self.attribute) not in (None, name):
            return False
        try:
            described = self.described(search, found)
        except ClientError:
            return False  # gone meanwhile, or not to be seen: then nothing is known of it
        return all(planned.get(k) in (None, value) for k, value in described.items())


def _arn(_: Search, found: Found) -> str:
    return found.one.arn


def _within(separator: str) -> Callable[[Search, Found], str]:
    """Return how to import what AWS names within something else."""

    def join(_: Search, found: Found) -> str:
        return f"{found.parts['parent']}{separator}{found.parts.get('id') or found.parts['name']}"

    return join


def _key(search: Search, found: Found) -> dict[str, Any]:
    keys = search.client("kms", found.one.region)
    return {"description": keys.describe_key(KeyId=found.one.arn)["KeyMetadata"]["Description"]}


def _launch_template(search: Search, found: Found) -> dict[str, Any]:
    answer = search.client("ec2").describe_launch_templates(LaunchTemplateIds=[found.parts["id"]])
    return {"name": answer["LaunchTemplates"][0]["LaunchTemplateName"]}


def _rest_api(search: Search, found: Found) -> dict[str, Any]:
    return {"name": search.client("apigateway").get_rest_api(restApiId=found.parts["id"])["name"]}


def _usage_plan(search: Search, found: Found) -> dict[str, Any]:
    gateway = search.client("apigateway")
    return {"name": gateway.get_usage_plan(usagePlanId=found.parts["id"])["name"]}


def _user_pool(search: Search, found: Found) -> dict[str, Any]:
    pools = search.client("cognito-idp")
    return {"name": pools.describe_user_pool(UserPoolId=found.parts["id"])["UserPool"]["Name"]}


def _node_group(search: Search, found: Found) -> dict[str, Any]:
    group = search.client("eks").describe_nodegroup(
        clusterName=found.parts["parent"], nodegroupName=found.parts["group"]
    )["nodegroup"]
    return {
        "node_group_name": group["nodegroupName"],
        "capacity_type": group["capacityType"],
        "instance_types": group["instanceTypes"],
        "labels": group.get("labels", {}),
    }


def _pod_identity(search: Search, found: Found) -> dict[str, Any]:
    identity = search.client("eks").describe_pod_identity_association(
        clusterName=found.parts["parent"], associationId=found.parts["id"]
    )["association"]
    return {"namespace": identity["namespace"], "service_account": identity["serviceAccount"]}


def _rule(search: Search, found: Found) -> dict[str, Any]:
    answer = search.client("ec2").describe_security_group_rules(
        SecurityGroupRuleIds=[found.parts["id"]]
    )
    return {"description": answer["SecurityGroupRules"][0].get("Description")}


def _endpoint(search: Search, found: Found) -> dict[str, Any]:
    answer = search.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[found.parts["id"]])
    return {"service_name": answer["VpcEndpoints"][0]["ServiceName"]}


def _certificate(search: Search, found: Found) -> dict[str, Any]:
    answer = search.client("acm", found.one.region).describe_certificate(
        CertificateArn=found.one.arn
    )
    return {"domain_name": answer["Certificate"]["DomainName"]}


def _distribution(search: Search, found: Found) -> dict[str, Any]:
    answer = search.client("cloudfront").get_distribution_config(Id=found.parts["id"])
    return {"comment": answer["DistributionConfig"]["Comment"]}


def _zone(search: Search, found: Found) -> dict[str, Any]:
    zone = search.client("route53").get_hosted_zone(Id=found.parts["id"])["HostedZone"]
    return {"name": zone["Name"].rstrip(".")}


def _redshift(what: str) -> Callable[[Search, Found], dict[str, Any]]:
    """Return how to ask for the name of a namespace or a workgroup: their ARNs have only an id."""

    def describe(search: Search, found: Found) -> dict[str, Any]:
        pages = search.client("redshift-serverless").get_paginator(f"list_{what}s").paginate()
        listed = (one for page in pages for one in page[f"{what}s"])
        names = (one[f"{what}Name"] for one in listed if one[f"{what}Arn"] == found.one.arn)
        return {f"{what}_name": next(names, None)}

    return describe


def _described_name(
    described: Callable[[Search, Found], Mapping[str, Any]],
) -> Callable[[Search, Found], str]:
    """Return how to import what is imported by a name that its ARN does not have."""

    def ask(search: Search, found: Found) -> str:
        (name,) = described(search, found).values()
        return str(name)

    return ask


def _queue_address(search: Search, found: Found) -> str:
    queues = search.client("sqs", found.one.region)
    return str(queues.get_queue_url(QueueName=found.parts["name"])["QueueUrl"])


def _principal(search: Search, found: Found) -> str:
    entries = search.client("eks").list_access_entries(clusterName=found.parts["parent"])
    for principal in entries["accessEntries"]:
        entry = search.client("eks").describe_access_entry(
            clusterName=found.parts["parent"], principalArn=principal
        )["accessEntry"]
        if entry["accessEntryArn"] == found.one.arn:
            return f"{found.parts['parent']}:{principal}"
    return found.one.arn


def _ec2(resource: str, described: Callable[[Search, Found], Mapping[str, Any]] = _nothing) -> Kind:
    """Return a type of EC2's: told apart by its tags, of which `Name` is one."""
    return Kind("ec2", rf"{resource}/(?P<id>[^/]+)", described=described)


# Their id in the log of an apply is not all that import wants.
NAMED_OTHERWISE = frozenset({"aws_api_gateway_stage", "aws_eks_pod_identity_association"})

KINDS: Mapping[str, Kind] = {
    "aws_acm_certificate": Kind("acm", r"certificate/.+", described=_certificate, import_id=_arn),
    "aws_api_gateway_rest_api": Kind(
        "apigateway", r"/restapis/(?P<id>[^/]+)", described=_rest_api
    ),
    "aws_api_gateway_stage": Kind(
        "apigateway", r"/restapis/(?P<parent>[^/]+)/stages/(?P<name>[^/]+)", "stage_name",
        import_id=_within("/"),
    ),
    "aws_api_gateway_usage_plan": Kind(
        "apigateway", r"/usageplans/(?P<id>[^/]+)", described=_usage_plan
    ),
    "aws_batch_compute_environment": Kind("batch", r"compute-environment/(?P<name>.+)"),
    "aws_batch_job_definition": Kind(
        "batch", r"job-definition/(?P<name>[^:]+):\d+", import_id=_arn
    ),
    "aws_batch_job_queue": Kind("batch", r"job-queue/(?P<name>.+)", import_id=_arn),
    "aws_cloudfront_distribution": Kind(
        "cloudfront", r"distribution/(?P<id>.+)", described=_distribution
    ),
    "aws_cloudwatch_log_group": Kind("logs", r"log-group:(?P<name>[^:]+)(:\*)?"),
    "aws_cognito_user_pool": Kind("cognito-idp", r"userpool/(?P<id>.+)", described=_user_pool),
    "aws_dynamodb_table": Kind("dynamodb", r"table/(?P<name>[^/]+)"),
    "aws_ecr_repository": Kind("ecr", r"repository/(?P<name>.+)"),
    "aws_eip": _ec2("elastic-ip"),
    "aws_eks_access_entry": Kind(
        "eks", r"access-entry/(?P<parent>[^/]+)/.+", import_id=_principal
    ),
    "aws_eks_addon": Kind(
        "eks", r"addon/(?P<parent>[^/]+)/(?P<name>[^/]+)/.+", "addon_name", import_id=_within(":")
    ),
    "aws_eks_cluster": Kind("eks", r"cluster/(?P<name>[^/]+)"),
    "aws_eks_node_group": Kind(
        "eks", r"nodegroup/(?P<parent>[^/]+)/(?P<group>[^/]+)/.+", described=_node_group,
        import_id=lambda _, found: f"{found.parts['parent']}:{found.parts['group']}",
    ),
    "aws_eks_pod_identity_association": Kind(
        "eks", r"podidentityassociation/(?P<parent>[^/]+)/(?P<id>.+)", described=_pod_identity,
        import_id=_within(","),
    ),
    "aws_flow_log": _ec2("vpc-flow-log"),
    "aws_iam_role": Kind("iam", r"role/(?:.+/)?(?P<name>[^/]+)"),
    "aws_iam_user": Kind("iam", r"user/(?:.+/)?(?P<name>[^/]+)"),
    "aws_instance": _ec2("instance"),
    "aws_internet_gateway": _ec2("internet-gateway"),
    "aws_kms_key": Kind("kms", r"key/(?P<id>.+)", described=_key),
    "aws_lambda_function": Kind("lambda", r"function:(?P<name>[^:]+)", "function_name"),
    "aws_launch_template": _ec2("launch-template", _launch_template),
    "aws_nat_gateway": _ec2("natgateway"),
    "aws_network_interface": _ec2("network-interface"),
    "aws_redshiftserverless_namespace": Kind(
        "redshift-serverless", r"namespace/.+", described=_redshift("namespace"),
        import_id=_described_name(_redshift("namespace")),
    ),
    "aws_redshiftserverless_workgroup": Kind(
        "redshift-serverless", r"workgroup/.+", described=_redshift("workgroup"),
        import_id=_described_name(_redshift("workgroup")),
    ),
    "aws_route53_health_check": Kind("route53", r"healthcheck/(?P<id>.+)"),
    "aws_route53_zone": Kind("route53", r"hostedzone/(?P<id>.+)", described=_zone),
    "aws_route_table": _ec2("route-table"),
    "aws_s3_bucket": Kind("s3", r"(?P<name>[^/]+)", "bucket"),
    "aws_secretsmanager_secret": Kind(
        "secretsmanager", r"secret:(?P<name>.+)-[A-Za-z0-9]{6}", import_id=_arn
    ),
    "aws_security_group": _ec2("security-group"),
    "aws_sfn_state_machine": Kind("states", r"stateMachine:(?P<name>[^:]+)", import_id=_arn),
    "aws_sns_topic": Kind("sns", r"(?P<name>[^:]+)", import_id=_arn),
    "aws_sqs_queue": Kind("sqs", r"(?P<name>[^:]+)", import_id=_queue_address),
    "aws_subnet": _ec2("subnet"),
    "aws_vpc": _ec2("vpc"),
    "aws_vpc_endpoint": _ec2("vpc-endpoint", _endpoint),
    "aws_vpc_security_group_egress_rule": _ec2("security-group-rule", _rule),
    "aws_vpc_security_group_ingress_rule": _ec2("security-group-rule", _rule),
}  # fmt: skip
