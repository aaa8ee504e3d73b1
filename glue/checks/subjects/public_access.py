"""What the whole world may reach: nothing but the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.aws import error_code
from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.policies import open_statements
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "public-access"
CLOSED = "no statement that lets everybody in; a principal `*` only with a condition on the caller"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"

BUCKET = Check(
    NAME, "bucket-public-access", "critical",
    "all four blocks of public access are on",
    "put the bucket's public access block back: " + PLAN,
)  # fmt: skip
BUCKET_POLICY = Check(
    NAME, "bucket-policy-closed", "critical", CLOSED, "take the statement out: " + PLAN
)
BUCKET_OWNERSHIP = Check(
    NAME, "bucket-without-lists", "medium",
    "object ownership is BucketOwnerEnforced, so that access control lists have no effect",
    "set object_ownership to BucketOwnerEnforced: " + PLAN,
)  # fmt: skip
QUEUE = Check(NAME, "queue-policy-closed", "high", CLOSED, "take the statement out: " + PLAN)
TOPIC = Check(NAME, "topic-policy-closed", "high", CLOSED, "take the statement out: " + PLAN)
FUNCTION = Check(NAME, "function-policy-closed", "high", CLOSED, "take it out: " + PLAN)
REPOSITORY = Check(NAME, "repository-policy-closed", "high", CLOSED, "take it out: " + PLAN)
KEY = Check(NAME, "key-policy-closed", "critical", CLOSED, "take the statement out: " + PLAN)
CLUSTER = Check(
    NAME, "cluster-endpoint-ranges", "critical",
    "the Kubernetes API is private, or public for named address ranges and reachable privately",
    "name the ranges in cluster.kubernetes.public_access_ranges of ENV.tfvars; none for private",
    evidence="EKS",
)  # fmt: skip

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def ask(context: Context) -> Iterator[Result]:
    """Ask every resource that has a policy or an address of its own."""
    buckets = inventory.buckets(context)
    yield from BUCKET.each(context, buckets, lambda name: blocks(context, name))
    yield from BUCKET_POLICY.each(context, buckets, lambda name: _bucket_policy(context, name))
    yield from BUCKET_OWNERSHIP.each(context, buckets, lambda name: _ownership(context, name))
    queues, topics = inventory.queues(context), inventory.topics(context)
    yield from QUEUE.each(context, queues, lambda found: _closed(found.get("Policy")))
    yield from TOPIC.each(context, topics, lambda found: _closed(found.get("Policy")))
    functions, keys = inventory.functions(context), inventory.tagged(context, "kms:key/")
    yield from FUNCTION.each(context, list(functions), lambda name: _function(context, name))
    repositories = inventory.repositories(context)
    yield from REPOSITORY.each(context, repositories, lambda one: _repository(context, *one))
    yield from KEY.each(
        context,
        {arn.rpartition("/")[2]: arn for arn in keys},
        lambda arn: _closed(
            context.aws("kms").get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
        ),
    )
    if (cluster := inventory.cluster(context)) is not None:
        yield from CLUSTER.each(context, {cluster["name"]: cluster}, _cluster)


def blocks(context: Context, bucket: str) -> Finding:
    """Tell whether nothing in a bucket can be made public."""
    answer = _or_none(
        lambda: context.aws("s3").get_public_access_block(Bucket=bucket),
        "NoSuchPublicAccessBlockConfiguration",
    )
    settings = (answer or {}).get("PublicAccessBlockConfiguration", {})
    missing = [name for name in BLOCKS if not settings.get(name)]
    return Finding(not missing, f"off: {', '.join(missing)}" if missing else "all four are on")


def _bucket_policy(context: Context, bucket: str) -> Finding:
    answer = _or_none(
        lambda: context.aws("s3").get_bucket_policy(Bucket=bucket), "NoSuchBucketPolicy"
    )
    return _closed((answer or {}).get("Policy"))


def _ownership(context: Context, bucket: str) -> Finding:
    answer = _or_none(
        lambda: context.aws("s3").get_bucket_ownership_controls(Bucket=bucket),
        "OwnershipControlsNotFoundError",
    )
    rules = (answer or {}).get("OwnershipControls", {}).get("Rules", [])
    found = rules[0]["ObjectOwnership"] if rules else "no setting"
    return Finding(found == "BucketOwnerEnforced", found)


def _function(context: Context, name: str) -> Finding:
    client = context.aws("lambda")
    answer = _or_none(lambda: client.get_policy(FunctionName=name), "ResourceNotFoundException")
    return _closed((answer or {}).get("Policy"))


def _repository(context: Context, region: str, one: dict[str, Any]) -> Finding:
    client = context.aws("ecr", region)
    answer = _or_none(
        lambda: client.get_repository_policy(repositoryName=one["repositoryName"]),
        "RepositoryPolicyNotFoundException",
    )
    return _closed((answer or {}).get("policyText"))


def _cluster(cluster: dict[str, Any]) -> Finding:
    network = cluster["resourcesVpcConfig"]
    ranges = sorted(network.get("publicAccessCidrs") or [])
    is_private = bool(network.get("endpointPrivateAccess"))
    if not network.get("endpointPublicAccess"):
        return Finding(is_private, "private only" if is_private else "no endpoint at all")
    is_open = not ranges or bool({"0.0.0.0/0", "::/0"} & set(ranges))
    found = f"public for {', '.join(ranges) or 'everybody'}"
    return Finding(is_private and not is_open, found + ("" if is_private else ", not private"))


def _closed(policy: str | None) -> Finding:
    found = open_statements(policy)
    return Finding(not found, f"open to all: {'; '.join(found)}" if found else "closed")


def _or_none(call: Callable[[], Any], code: str) -> Any:
    """Return what a call gives, or None where AWS says that there is no such setting."""
    try:
        return call()
    except Exception as error:
        if error_code(error) != code:
            raise
        return None


SUBJECT = Subject(
    NAME, "What the world may reach: buckets, queues, topics, functions, images, keys, cluster.",
    ask,
    (BUCKET, BUCKET_POLICY, BUCKET_OWNERSHIP, QUEUE, TOPIC, FUNCTION, REPOSITORY, KEY, CLUSTER),
)  # fmt: skip
