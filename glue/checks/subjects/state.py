"""The bucket of Terraform's state: who loses it has to import everything by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.checks.check import Check, Finding
from glue.checks.run import Subject
from glue.checks.subjects import encryption, public_access, storage, transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "state"
REMEDY = "run `glue deploy bootstrap --env ENV`, which makes the bucket as it should be"

VERSIONING = Check(
    NAME, "state-bucket-versioning", "critical",
    "versioning is on: a broken state is mended from the version before it", REMEDY,
)  # fmt: skip
ACCESS = Check(
    NAME,
    "state-bucket-public-access",
    "critical",
    "all four blocks of public access are on",
    REMEDY,
)
TLS = Check(NAME, "state-bucket-tls-only", "high", "its policy denies what is not TLS", REMEDY)
ENCRYPTION = Check(
    NAME, "state-bucket-encryption", "high", "encrypted by default", REMEDY, encryption.KMS
)
LIFECYCLE = Check(
    NAME, "state-bucket-lifecycle", "low",
    "a rule deletes old versions at last, and none deletes the state itself", REMEDY, storage.AGING,
)  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask the bucket; that of the local cloud is made up and thrown away with it."""
    if context.is_temporary or not context.state_bucket:
        return
    bucket = [context.state_bucket]
    yield from VERSIONING.each(context, bucket, lambda name: storage.versioning(context, name))
    yield from ACCESS.each(context, bucket, lambda name: public_access.blocks(context, name))
    yield from TLS.each(context, bucket, lambda name: transport.bucket(context, name))
    yield from ENCRYPTION.each(context, bucket, lambda name: encryption.bucket(context, name))
    yield from LIFECYCLE.each(context, bucket, lambda name: _lifecycle(context, name))


def _lifecycle(context: Context, name: str) -> Finding:
    found = storage.rules(context, name)
    days = [
        rule["NoncurrentVersionExpiration"].get("NoncurrentDays", 0)
        for rule in found
        if "NoncurrentVersionExpiration" in rule
    ]
    # A rule with a prefix is about something else, such as backups.
    deleting = [
        rule["ID"]
        for rule in found
        if {"Days", "Date"} & set(rule.get("Expiration", {}))
        and not (rule.get("Filter", {}).get("Prefix") or rule.get("Prefix"))
    ]
    if deleting:
        return Finding(False, f"the state itself is deleted by {', '.join(deleting)}")
    return Finding(bool(days), f"after {min(days)} days" if days else "kept for ever")


SUBJECT = Subject(
    NAME, "The bucket of Terraform's state.", ask, (VERSIONING, ACCESS, TLS, ENCRYPTION, LIFECYCLE)
)
