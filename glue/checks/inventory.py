"""What belongs to an environment: what carries its tags, and what Terraform's outputs name.

Both are asked, so that a thing is checked although the outputs file is stale or its tags are lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.aws import error_code

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glue.checks.context import Context

PROJECT = "proving-ground"
CONTENTS = ("public_contents", "private_contents")
# The same error under the older protocol's name and the newer one's.
NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


def tags(context: Context) -> dict[str, str]:
    """Return the tags that Terraform gives everything of the environment."""
    return {"project": PROJECT, "environment": context.environment}


def filters(context: Context) -> list[dict[str, Any]]:
    """Return the tags as EC2 and Auto Scaling take filters."""
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags(context).items()]


def is_ours(context: Context, found: Mapping[str, str]) -> bool:
    """Tell whether a resource's tags are the environment's."""
    return all(found.get(key) == value for key, value in tags(context).items())


def pages(client: Any, call: str, key: str, **arguments: Any) -> Iterator[Any]:
    """Yield every item under a key of a paged call's answers."""
    for page in client.get_paginator(call).paginate(**arguments):
        yield from page.get(key) or []


def tagged(context: Context, kind: str) -> list[str]:
    """Return the ARNs with the environment's tags whose part from the service on begins so.

    `kind` is such as `sqs:` or `lambda:function:`, that is the ARN without region and account.
    """

    def ask() -> list[str]:
        client = context.aws("resourcegroupstaggingapi")
        wanted = [{"Key": key, "Values": [value]} for key, value in tags(context).items()]
        found = pages(client, "get_resources", "ResourceTagMappingList", TagFilters=wanted)
        return [one["ResourceARN"] for one in found]

    arns: list[str] = context.once("tagged", ask)
    return [arn for arn in arns if _kind(arn).startswith(kind)]


def output(context: Context, *path: str) -> Any:
    """Return what lies at a path of the outputs, or None where any part of it is missing."""
    value: Any = context.outputs
    for key in path:
        value = value.get(key) if hasattr(value, "get") else None
    return value


def buckets(context: Context) -> list[str]:
    """Return the names of the environment's buckets, without that of Terraform's state."""
    named = {output(context, "recordings", name) for name in ("raw_bucket", "processed_bucket")}
    named |= {board["bucket"] for board in leaderboards(context).values()}
    named |= {output(context, "evalai", kind, "bucket") for kind in CONTENTS}
    found = {arn.rpartition(":")[2] for arn in tagged(context, "s3:")} | (named - {None})
    return sorted(found - {context.state_bucket})


def queues(context: Context) -> dict[str, dict[str, str]]:
    """Return the attributes of the environment's queues by name, with `QueueUrl` among them.

    A queue that the outputs name and that does not exist is the subject `outputs`' to report.
    """

    def ask() -> dict[str, dict[str, str]]:
        client = context.aws("sqs")
        names = {arn.rpartition(":")[2] for arn in tagged(context, "sqs:")}
        found = {}
        for name in sorted(names | named_queues(context)):
            try:
                url = client.get_queue_url(QueueName=name)["QueueUrl"]
            except Exception as error:
                if error_code(error) not in NO_QUEUE:
                    raise
                continue
            answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            found[name] = {"QueueUrl": url, **answer.get("Attributes", {})}
        return found

    found: dict[str, dict[str, str]] = context.once("queues", ask)
    return found


def named_queues(context: Context) -> set[str]:
    """Return the names of the queues that the outputs name."""
    parts = [output(context, "recordings") or {}, *leaderboards(context).values()]
    return {
        url.rpartition("/")[2]
        for part in parts
        for key, url in part.items()
        if key.endswith("queue_url") and url
    }


def leaderboards(context: Context) -> Mapping[str, Any]:
    """Return what the outputs say of each leaderboard, by its name."""
    found: Mapping[str, Any] = output(context, "leaderboards") or {}
    return found


def functions(context: Context) -> dict[str, dict[str, Any]]:
    """Return the configuration of the environment's functions by name."""

    def ask() -> dict[str, dict[str, Any]]:
        client = context.aws("lambda")
        names = {arn.rpartition(":")[2] for arn in tagged(context, "lambda:function:")}
        names |= set(named_functions(context).values())
        found = {}
        for name in sorted(names):
            try:
                found[name] = client.get_function_configuration(FunctionName=name)
            except client.exceptions.ResourceNotFoundException:
                continue
        return found

    found: dict[str, dict[str, Any]] = context.once("functions", ask)
    return found


def named_functions(context: Context) -> dict[str, str]:
    """Return the functions' names in AWS by their keys in the outputs."""
    named = output(context, "functions") or output(context, "recordings", "functions") or {}
    return {key: str(function["name"]) for key, function in named.items()}


def topics(context: Context) -> dict[str, dict[str, str]]:
    """Return the attributes of the environment's topics by name."""

    def ask() -> dict[str, dict[str, str]]:
        client = context.aws("sns")
        arns = {*tagged(context, "sns:"), output(context, "alarms", "topic_arn")} - {None}
        found = {}
        for arn in sorted(arns):
            try:
                answer = client.get_topic_attributes(TopicArn=arn)
            except client.exceptions.NotFoundException:
                continue
            found[arn.rpartition(":")[2]] = answer["Attributes"]
        return found

    found: dict[str, dict[str, str]] = context.once("topics", ask)
    return found


def tables(context: Context) -> dict[str, dict[str, Any]]:
    """Return the descriptions of the environment's DynamoDB tables by name."""

    def ask() -> dict[str, dict[str, Any]]:
        client = context.aws("dynamodb")
        arns = [arn for arn in tagged(context, "dynamodb:table/") if arn.count("/") == 1]
        names = sorted(arn.rpartition("/")[2] for arn in arns)
        return {name: client.describe_table(TableName=name)["Table"] for name in names}

    found: dict[str, dict[str, Any]] = context.once("tables", ask)
    return found


def alarms(context: Context) -> dict[str, dict[str, Any]]:
    """Return the environment's alarms by name: those of the outputs and those with its tags."""

    def ask() -> dict[str, dict[str, Any]]:
        wanted = set(output(context, "alarms", "names") or [])
        wanted |= {arn.rpartition(":")[2] for arn in tagged(context, "cloudwatch:alarm:")}
        client = context.aws("cloudwatch")
        every = pages(client, "describe_alarms", "MetricAlarms", AlarmTypes=["MetricAlarm"])
        return {one["AlarmName"]: one for one in every if one["AlarmName"] in wanted}

    found: dict[str, dict[str, Any]] = context.once("alarms", ask)
    return found


def log_groups(context: Context) -> dict[str, dict[str, Any]]:
    """Return the environment's log groups by name."""

    def ask() -> dict[str, dict[str, Any]]:
        client = context.aws("logs")
        found = {}
        for group in pages(client, "describe_log_groups", "logGroups"):
            arn = group.get("logGroupArn") or group["arn"].removesuffix(":*")
            if is_ours(context, client.list_tags_for_resource(resourceArn=arn).get("tags", {})):
                found[group["logGroupName"]] = group
        return found

    found: dict[str, dict[str, Any]] = context.once("log groups", ask)
    return found


def cluster(context: Context) -> dict[str, Any] | None:
    """Return EKS's description of the cluster that the outputs name, or that has our tags."""

    def ask() -> dict[str, Any] | None:
        arns = tagged(context, "eks:cluster/")
        name = output(context, "cluster", "name") or (arns and arns[0].rpartition("/")[2])
        if not name:
            return None
        client = context.aws("eks")
        try:
            described: dict[str, Any] = client.describe_cluster(name=name)["cluster"]
        except client.exceptions.ResourceNotFoundException:
            return None
        return described

    found: dict[str, Any] | None = context.once("cluster", ask)
    return found


def node_groups(context: Context) -> dict[str, dict[str, Any]]:
    """Return EKS's descriptions of the cluster's node groups by name."""

    def ask() -> dict[str, dict[str, Any]]:
        described = cluster(context)
        if described is None:
            return {}
        client, name = context.aws("eks"), described["name"]
        return {
            group: client.describe_nodegroup(clusterName=name, nodegroupName=group)["nodegroup"]
            for group in pages(client, "list_nodegroups", "nodegroups", clusterName=name)
        }

    found: dict[str, dict[str, Any]] = context.once("node groups", ask)
    return found


def repositories(context: Context) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return region and description of the environment's image repositories.

    By name in the home region, elsewhere by region and name.
    """

    def ask() -> dict[str, tuple[str, dict[str, Any]]]:
        named = output(context, "registry") or {}
        regions = {context.region, *(key.replace("_", "-") for key in named if key != "home")}
        found = {}
        for region in sorted(regions):
            key = "home" if region == context.region else region.replace("-", "_")
            wanted = {one["name"] for one in (named.get(key) or {}).values()}
            if region == context.region:
                wanted |= {a.partition("/")[2] for a in tagged(context, "ecr:repository/")}
            client = context.aws("ecr", region)
            if not wanted:
                continue
            for one in pages(client, "describe_repositories", "repositories"):
                name = one["repositoryName"]
                if name in wanted:
                    shown = name if region == context.region else f"{region}/{name}"
                    found[shown] = (region, one)
        return found

    found: dict[str, tuple[str, dict[str, Any]]] = context.once("repositories", ask)
    return found


def _kind(arn: str) -> str:
    """Return an ARN without its first two parts, region and account."""
    _, _, service, _, _, resource = arn.split(":", 5)
    return f"{service}:{resource}"
