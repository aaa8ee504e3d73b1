"""Nothing is sent in the clear: policies that refuse everything but TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.aws import error_code
from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.policies import demands_tls
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "transport"
REMEDY = (
    "put the statement TlsOnly back into its policy: `glue deploy plan --env ENV` shows it; apply"
)

BUCKET = Check(
    NAME, "bucket-tls-only", "high",
    "its policy denies everybody s3:* where aws:SecureTransport is false", REMEDY,
)  # fmt: skip
QUEUE = Check(
    NAME, "queue-tls-only", "high",
    "its policy denies everybody sqs:* where aws:SecureTransport is false", REMEDY,
)  # fmt: skip
TOPIC = Check(
    NAME, "topic-tls-only", "high",
    "its policy denies everybody sns:Publish where aws:SecureTransport is false", REMEDY,
)  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask every bucket, queue and topic for its policy."""
    buckets = inventory.buckets(context)
    yield from BUCKET.each(context, buckets, lambda name: bucket(context, name))
    yield from QUEUE.each(
        context, inventory.queues(context), lambda found: _said(found.get("Policy"), "sqs:*")
    )
    yield from TOPIC.each(
        context, inventory.topics(context), lambda found: _said(found.get("Policy"), "sns:Publish")
    )


def bucket(context: Context, name: str) -> Finding:
    """Tell whether a bucket refuses what is not TLS."""
    try:
        policy = context.aws("s3").get_bucket_policy(Bucket=name)["Policy"]
    except Exception as error:
        if error_code(error) != "NoSuchBucketPolicy":
            raise
        policy = None
    return _said(policy, "s3:*")


def _said(policy: str | None, action: str) -> Finding:
    if demands_tls(policy, action, action.partition(":")[0] + ":*"):
        return Finding(True, "what is not TLS is denied")
    return Finding(False, "no such statement" if policy else "no policy")


SUBJECT = Subject(
    NAME, "Buckets, queues and topics refuse what is not TLS.", ask, (BUCKET, QUEUE, TOPIC)
)
