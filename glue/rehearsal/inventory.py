"""What an account holds, asked of AWS's own APIs and of no Terraform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.rehearsal.accounts import Account

SECOND_REGION = "us-east-1"  # the public registries' region
# A thing in one of these states is on its way out.
GOING = {"deleted", "deleting", "terminated", "PendingDeletion", "INACTIVE", "DELETING", "DELETED"}


class Listing(NamedTuple):
    """A call that lists things: where the answer holds them, and what names one of them.

    `key` is a member of the answer, or with a dot a member of one. `name` is the member that names
    a thing, empty when the answer is a list of names;
    `state` the member that says whether it is going.
    """

    service: str
    operation: str
    key: str
    name: str
    state: str = ""
    arguments: tuple[tuple[str, Any], ...] = ()
    region: str | None = None


LISTINGS = (
    Listing("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
    Listing("apigateway", "get_api_keys", "items", "id"),
    Listing("apigateway", "get_rest_apis", "items", "id"),
    Listing("apigateway", "get_usage_plans", "items", "id"),
    Listing("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups",
            "AutoScalingGroupARN"),
    Listing("batch", "describe_compute_environments", "computeEnvironments",
            "computeEnvironmentArn", "status"),
    Listing("batch", "describe_job_definitions", "jobDefinitions", "jobDefinitionArn", "status"),
    Listing("batch", "describe_job_queues", "jobQueues", "jobQueueArn", "status"),
    Listing("cloudfront", "list_distributions", "DistributionList.Items", "ARN"),
    Listing("cloudfront", "list_origin_access_controls", "OriginAccessControlList.Items", "Id"),
    Listing("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardArn"),
    Listing("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmArn"),
    Listing("cognito-idp", "list_user_pools", "UserPools", "Id", arguments=(("MaxResults", 60),)),
    Listing("dynamodb", "list_tables", "TableNames", ""),
    Listing("ec2", "describe_addresses", "Addresses", "AllocationId"),
    Listing("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    Listing("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    Listing("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    Listing("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId", "State"),
    Listing("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    Listing("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    Listing("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    Listing("ec2", "describe_subnets", "Subnets", "SubnetId"),
    Listing("ec2", "describe_volumes", "Volumes", "VolumeId"),
    Listing("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "State"),
    Listing("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    Listing("ecr", "describe_repositories", "repositories", "repositoryArn"),
    Listing("ecr", "describe_repositories", "repositories", "repositoryArn", region=SECOND_REGION),
    Listing("eks", "list_clusters", "clusters", ""),
    Listing("events", "list_rules", "Rules", "Arn"),
    Listing("iam", "list_instance_profiles", "InstanceProfiles", "Arn"),
    Listing("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
    Listing("iam", "list_policies", "Policies", "Arn", arguments=(("Scope", "Local"),)),
    Listing("iam", "list_roles", "Roles", "Arn"),
    Listing("iam", "list_users", "Users", "Arn"),
    Listing("kms", "list_aliases", "Aliases", "AliasArn"),
    Listing("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
    Listing("lambda", "list_functions", "Functions", "FunctionArn"),
    Listing("lambda", "list_layers", "Layers", "LayerArn"),
    Listing("logs", "describe_log_groups", "logGroups", "arn"),
    Listing("redshift-serverless", "list_namespaces", "namespaces", "namespaceArn", "status"),
    Listing("redshift-serverless", "list_usage_limits", "usageLimits", "usageLimitArn"),
    Listing("redshift-serverless", "list_workgroups", "workgroups", "workgroupArn", "status"),
    Listing("route53", "list_health_checks", "HealthChecks", "Id"),
    Listing("route53", "list_hosted_zones", "HostedZones", "Id"),
    Listing("s3", "list_buckets", "Buckets", "Name"),
    Listing("secretsmanager", "list_secrets", "SecretList", "ARN"),
    Listing("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    Listing("sns", "list_topics", "Topics", "TopicArn"),
    Listing("sqs", "list_queues", "QueueUrls", ""),
    Listing("stepfunctions", "list_state_machines", "stateMachines", "stateMachineArn"),
    Listing("ssm", "describe_parameters", "Parameters", "Name"),
)  # fmt: skip


def inventory(account: Account) -> frozenset[str]:
    """Return the name of everything in an account, with its service before it."""
    names = {
        f"{listing.service} {name}" for listing in LISTINGS for name in names_of(account, listing)
    }
    names |= {f"ec2 {identifier}" for identifier in instances(account)}
    names |= {f"kms {identifier}" for identifier in keys(account)}
    return frozenset(names)


def names_of(account: Account, listing: Listing) -> Iterator[str]:
    """Yield the names of the things one call lists, without those that are going."""
    client = account.client(listing.service, listing.region)
    for page in pages(client, listing.operation, dict(listing.arguments)):
        found: Any = page
        for part in listing.key.split("."):
            found = found.get(part) or {}
        for thing in found:
            if not listing.name:
                yield str(thing)
            elif not (listing.state and thing.get(listing.state) in GOING):
                # A default alias of AWS names no key of ours.
                yield str(thing.get(listing.name) or thing)


def instances(account: Account) -> Iterator[str]:
    """Yield the ids of an account's running machines."""
    for page in pages(account.client("ec2"), "describe_instances", {}):
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                if instance["State"]["Name"] not in GOING:
                    yield instance["InstanceId"]


def keys(account: Account) -> Iterator[str]:
    """Yield the ids of the KMS keys that are not waiting for their deletion."""
    client = account.client("kms")
    for page in pages(client, "list_keys", {}):
        for key in page["Keys"]:
            described = client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if described["KeyState"] not in GOING:
                yield key["KeyId"]


def pages(client: Any, operation: str, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the pages of a listing; one only when it has no pages."""
    if client.can_paginate(operation):
        yield from client.get_paginator(operation).paginate(**arguments)
    else:
        yield getattr(client, operation)(**arguments)
