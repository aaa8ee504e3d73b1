"""Names: as short as AWS wants them, none twice, no bucket that somebody else has."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glue.checks.report import Result
    from glue.doctor.context import Context

NAME = "names"

# Type: the attribute that is the name, and how many characters AWS allows it.
LIMITS = {
    "aws_autoscaling_group": ("name", 255),
    "aws_batch_compute_environment": ("compute_environment_name", 128),
    "aws_batch_job_definition": ("name", 128),
    "aws_batch_job_queue": ("name", 128),
    "aws_cloudwatch_event_rule": ("name", 64),
    "aws_cloudwatch_log_group": ("name", 512),
    "aws_cloudwatch_metric_alarm": ("alarm_name", 255),
    "aws_cognito_user_pool": ("name", 128),
    "aws_db_instance": ("identifier", 63),
    "aws_dynamodb_table": ("name", 255),
    "aws_ecr_repository": ("name", 256),
    "aws_eks_cluster": ("name", 100),
    "aws_eks_node_group": ("node_group_name", 63),
    "aws_iam_instance_profile": ("name", 128),
    "aws_iam_policy": ("name", 128),
    "aws_iam_role": ("name", 64),
    "aws_kms_alias": ("name", 256),
    "aws_lambda_function": ("function_name", 64),
    "aws_lambda_layer_version": ("layer_name", 140),
    "aws_launch_template": ("name", 128),
    "aws_lb": ("name", 32),
    "aws_lb_target_group": ("name", 32),
    "aws_rds_cluster": ("cluster_identifier", 63),
    "aws_redshiftserverless_namespace": ("namespace_name", 64),
    "aws_redshiftserverless_workgroup": ("workgroup_name", 64),
    "aws_s3_bucket": ("bucket", 63),
    "aws_scheduler_schedule": ("name", 64),
    "aws_secretsmanager_secret": ("name", 512),
    "aws_security_group": ("name", 255),
    "aws_sfn_state_machine": ("name", 80),
    "aws_sns_topic": ("name", 256),
    "aws_sqs_queue": ("name", 80),
}
# Terraform puts 26 characters behind these.
PREFIXES = {"aws_s3_bucket": "bucket_prefix", "aws_batch_compute_environment": "name_prefix"}
SUFFIX = 26
# The same name stands for another thing in another region, or beside another parent.
MAY_REPEAT = {"aws_ecr_repository", "aws_eks_node_group"}

LENGTH = Check(
    NAME, "name-length", "high", "no name is longer than AWS allows",
    "shorten prefix in the tfvars file, or the name that stands behind it",
)  # fmt: skip
ONCE = Check(
    NAME, "name-once", "high", "no two resources of a type have one name",
    "give one of them another name",
)  # fmt: skip
BUCKET = Check(
    NAME, "bucket-name", "critical", "no new bucket's name is taken: the whole world shares them",
    "choose another prefix in the tfvars file; if the bucket is yours, import it",
)  # fmt: skip
CHECKS = (LENGTH, ONCE, BUCKET)


def ask(context: Context) -> Iterator[Result]:
    """Read every name from the saved plan, and ask S3 for those of new buckets."""
    plan = context.plan
    if plan is None:
        reason = f"no plan is saved: run `glue deploy plan --env {context.environment}` first"
        for check in CHECKS:
            yield check.uncovered(context, "", reason)
        return
    by_type = _names(plan)
    yield from LENGTH.each(context, {kind: (kind, by_type[kind]) for kind in by_type}, _length)
    yield ONCE.result(context, "", _once(by_type))
    # What an applied plan made is there, and ours.
    buckets = _new_buckets(plan) if context.plan_is_open else []
    yield from BUCKET.each(context, buckets, lambda bucket: _is_free(context, bucket))


def _names(plan: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the names that the plan ends with, by type."""
    found: dict[str, list[str]] = defaultdict(list)
    for change in plan.get("resource_changes", []):
        after = change["change"].get("after")
        limit = LIMITS.get(change["type"])
        if limit is None or not after or change.get("mode", "managed") != "managed":
            continue
        name = after.get(limit[0])
        prefix = after.get(PREFIXES.get(change["type"], "name_prefix")) or after.get("name_prefix")
        if name or prefix:
            found[change["type"]].append(name or f"{prefix}{'?' * SUFFIX}")
    return dict(sorted(found.items()))


def _length(given: tuple[str, list[str]]) -> Finding:
    kind, names = given
    limit = LIMITS[kind][1]
    too_long = [name for name in names if len(name) > limit]
    if too_long:
        told = ", ".join(f"{name} has {len(name)}" for name in too_long)
        return Finding(False, f"{told}; {limit} are allowed")
    longest = max(names, key=len)
    return Finding(True, f"{longest}: {len(longest)} of {limit}")


def _once(by_type: Mapping[str, list[str]]) -> Finding:
    twice = [
        f"{kind} {name}"
        for kind, names in by_type.items()
        if kind not in MAY_REPEAT
        for name in sorted(set(names))
        if names.count(name) > 1 and "?" not in name
    ]
    return Finding(not twice, ", ".join(twice) or f"{sum(map(len, by_type.values()))} names")


def _new_buckets(plan: Mapping[str, Any]) -> list[str]:
    return [
        change["change"]["after"]["bucket"]
        for change in plan.get("resource_changes", [])
        if change["type"] == "aws_s3_bucket"
        and change["change"]["actions"] == ["create"]
        and change["change"]["after"].get("bucket")
    ]


def _is_free(context: Context, bucket: str) -> Finding:
    try:
        context.aws("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in {"404", "NoSuchBucket"}:
            return Finding(True, "free")
        if code in {"301", "400", "403", "Forbidden", "AccessDenied"}:
            return Finding(False, "somebody else's, or in another region of ours")
        raise
    return Finding(False, "in this account already, and Terraform does not know it")


SUBJECT = Subject(NAME, "Lengths and clashes of names, from the saved plan.", ask, CHECKS)
