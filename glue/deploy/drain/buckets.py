"""Emptying buckets: every version, every marker, every upload that was never finished."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from glue.errors import InputError

DELETED_AT_ONCE = 1000


def empty(storage: Any, name: str, *, bypass: bool) -> int:
    """Delete all versions and unfinished uploads of a bucket; return how many versions.

    `bypass` goes past a retention in governance mode. Raises InputError when S3 keeps an object.
    """
    deleted = 0
    try:
        for page in storage.get_paginator("list_object_versions").paginate(
            Bucket=name, PaginationConfig={"PageSize": DELETED_AT_ONCE}
        ):
            entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            found = [{"Key": e["Key"], "VersionId": e["VersionId"]} for e in entries]
            if not found:
                continue
            answer = storage.delete_objects(
                Bucket=name,
                Delete={"Objects": found, "Quiet": True},
                **({"BypassGovernanceRetention": True} if bypass else {}),
            )
            if refused := answer.get("Errors"):
                first = refused[0]
                raise InputError(
                    f"bucket {name}",
                    f"{len(refused)} objects stay, {first['Key']} first: {first['Message']}",
                    "wait until their retention is over, or use a role that may bypass it",
                )
            deleted += len(found)
        for page in storage.get_paginator("list_multipart_uploads").paginate(Bucket=name):
            for upload in page.get("Uploads", []):
                storage.abort_multipart_upload(
                    Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"]
                )
    except storage.exceptions.NoSuchBucket:
        return deleted
    return deleted


def holds_something(storage: Any, name: str) -> bool:
    """Tell whether a bucket holds any version of any object; a bucket that is gone does not."""
    try:
        page = storage.list_object_versions(Bucket=name, MaxKeys=1)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            return False
        raise
    return bool(page.get("Versions") or page.get("DeleteMarkers"))


def lasting_retention(storage: Any, name: str) -> int | None:
    """Return the days for which nobody can erase what is in a bucket, or None.

    In compliance mode neither a role nor AWS can shorten them.
    """
    try:
        answer = storage.get_object_lock_configuration(Bucket=name)
    except ClientError:
        return None  # no object lock, or no bucket: what else is wrong shows when it is emptied
    rule = answer["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention", {})
    if rule.get("Mode") != "COMPLIANCE":
        return None
    return int(rule.get("Days") or 365 * rule.get("Years", 0))
