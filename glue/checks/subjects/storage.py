"""Buckets keep what they must keep, as long as they must, as cheaply as they may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.aws import error_code
from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "storage"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"
AGING = "S3 lifecycle"

VERSIONING = Check(
    NAME, "bucket-versioning", "critical",
    "versioning is on, so that nothing overwritten or deleted is lost",
    "switch it on; what was overwritten meanwhile is gone: " + PLAN,
)  # fmt: skip
UPLOADS = Check(
    NAME, "bucket-aborts-uploads", "low",
    "a rule clears uploads that were never finished: they cost and nothing shows them",
    PLAN, AGING,
)  # fmt: skip
GLACIER = Check(
    NAME, "raw-ages-into-glacier", "medium",
    "raw recordings move to Glacier storage classes, and no rule deletes one", PLAN, AGING,
)  # fmt: skip
NONCURRENT = Check(
    NAME, "processed-forgets-old-versions", "medium",
    "replaced versions of processed files are deleted after some days, and no current one is",
    PLAN, AGING,
)  # fmt: skip
LOCK = Check(
    NAME, "raw-object-lock", "critical",
    "Object Lock is on with a default retention, so that nobody can delete raw recordings",
    "set recordings.storage.object_lock in ENV.tfvars. " + PLAN, "S3 Object Lock",
)  # fmt: skip
WRITE_ONCE = Check(
    NAME, "raw-written-once", "critical",
    "the policy denies everybody overwriting (PutObject without If-None-Match) and deleting",
    "put the statements NoObjectIsWrittenTwice and NothingIsDeleted back: " + PLAN,
)  # fmt: skip
EVENTS = Check(
    NAME, "raw-tells-ingest", "high",
    "new objects are told to the ingest queue, for every way of making one",
    "put the bucket's notification back: " + PLAN
    + "; then `glue recordings replay` what is missing",
)  # fmt: skip

FROZEN = {"GLACIER", "GLACIER_IR", "DEEP_ARCHIVE"}
ENDS = ("Expiration", "NoncurrentVersionExpiration")


def ask(context: Context) -> Iterator[Result]:
    """Ask every bucket, and the raw and the processed one what is theirs alone."""
    buckets = inventory.buckets(context)
    yield from VERSIONING.each(context, buckets, lambda name: versioning(context, name))
    yield from UPLOADS.each(context, buckets, lambda name: _uploads(context, name))
    if raw := inventory.output(context, "recordings", "raw_bucket"):
        yield from GLACIER.each(context, [raw], lambda name: _glacier(context, name))
        yield from LOCK.each(context, [raw], lambda name: _lock(context, name))
        yield from WRITE_ONCE.each(context, [raw], lambda name: _write_once(context, name))
        yield from EVENTS.each(context, [raw], lambda name: _events(context, name))
    if processed := inventory.output(context, "recordings", "processed_bucket"):
        yield from NONCURRENT.each(context, [processed], lambda name: _noncurrent(context, name))


def versioning(context: Context, bucket: str) -> Finding:
    """Tell whether a bucket keeps the versions of its objects."""
    found = (
        context.aws("s3").get_bucket_versioning(Bucket=bucket).get("Status", "never switched on")
    )
    return Finding(found == "Enabled", found)


def rules(context: Context, bucket: str) -> list[dict[str, Any]]:
    """Return the lifecycle rules of a bucket that are in force."""
    try:
        answer = context.aws("s3").get_bucket_lifecycle_configuration(Bucket=bucket)
    except Exception as error:
        if error_code(error) != "NoSuchLifecycleConfiguration":
            raise
        return []
    return [rule for rule in answer.get("Rules", []) if rule.get("Status") == "Enabled"]


def _uploads(context: Context, bucket: str) -> Finding:
    days = [
        rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        for rule in rules(context, bucket)
        if "AbortIncompleteMultipartUpload" in rule
    ]
    return Finding(bool(days), f"after {min(days)} days" if days else "no such rule")


def _glacier(context: Context, bucket: str) -> Finding:
    found = rules(context, bucket)
    moves = {
        one["StorageClass"]: one.get("Days", 0)
        for rule in found
        for one in rule.get("Transitions", [])
    }
    deleting = [
        rule["ID"]
        for rule in found
        for end in ENDS
        # Removing a delete marker that hides nothing any more deletes no recording.
        if set(rule.get(end, {})) - {"ExpiredObjectDeleteMarker"}
    ]
    text = ", ".join(f"{name} after {days} days" for name, days in moves.items()) or "nothing moves"
    if deleting:
        text += f"; deleted by {', '.join(deleting)}"
    return Finding(bool(FROZEN & set(moves)) and not deleting, text)


def _noncurrent(context: Context, bucket: str) -> Finding:
    found = rules(context, bucket)
    days = [
        rule["NoncurrentVersionExpiration"].get("NoncurrentDays", 0)
        for rule in found
        if "NoncurrentVersionExpiration" in rule
    ]
    deleting = [rule["ID"] for rule in found if {"Days", "Date"} & set(rule.get("Expiration", {}))]
    text = f"after {min(days)} days" if days else "kept for ever"
    if deleting:
        text += f"; current ones deleted by {', '.join(deleting)}"
    return Finding(bool(days) and not deleting, text)


def _lock(context: Context, bucket: str) -> Finding:
    try:
        answer = context.aws("s3").get_object_lock_configuration(Bucket=bucket)
    except Exception as error:
        if error_code(error) != "ObjectLockConfigurationNotFoundError":
            raise
        return Finding(False, "no Object Lock")
    configuration = answer["ObjectLockConfiguration"]
    retention = configuration.get("Rule", {}).get("DefaultRetention")
    if configuration.get("ObjectLockEnabled") != "Enabled" or not retention:
        return Finding(False, "Object Lock without a default retention")
    period = f"{retention['Days']} days" if "Days" in retention else f"{retention['Years']} years"
    return Finding(True, f"{retention['Mode']}, {period}")


def _write_once(context: Context, bucket: str) -> Finding:
    from glue.checks.policies import is_everybody, many, statements

    try:
        policy = context.aws("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    except Exception as error:
        if error_code(error) != "NoSuchBucketPolicy":
            raise
        return Finding(False, "no policy")
    denied = [
        (set(many(one.get("Action"))), one.get("Condition") or {})
        for one in statements(policy)
        if one.get("Effect") == "Deny" and is_everybody(one.get("Principal"))
    ]
    missing = []
    if not any("s3:PutObject" in a and "s3:if-none-match" in c.get("Null", {}) for a, c in denied):
        missing.append("overwriting")
    if not any("s3:DeleteObjectVersion" in actions for actions, _ in denied):
        missing.append("deleting")
    return Finding(not missing, f"not denied: {', '.join(missing)}" if missing else "both denied")


def _events(context: Context, bucket: str) -> Finding:
    answer = context.aws("s3").get_bucket_notification_configuration(Bucket=bucket)
    url = str(inventory.output(context, "recordings", "ingest_queue_url"))
    told = {
        event
        for one in answer.get("QueueConfigurations", [])
        if one["QueueArn"].rpartition(":")[2] == url.rpartition("/")[2]
        for event in one["Events"]
    }
    is_good = any(event in {"s3:ObjectCreated:*"} for event in told) or {
        "s3:ObjectCreated:Put", "s3:ObjectCreated:CompleteMultipartUpload",
    } <= told  # fmt: skip
    return Finding(is_good, ", ".join(sorted(told)) or "the queue is told nothing")


SUBJECT = Subject(
    NAME, "Buckets: versions, Object Lock, aging into Glacier, events.", ask,
    (VERSIONING, UPLOADS, GLACIER, NONCURRENT, LOCK, WRITE_ONCE, EVENTS),
)  # fmt: skip
