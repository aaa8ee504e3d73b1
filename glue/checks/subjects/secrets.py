"""Secrets hold something: Terraform makes them empty, and people or glue fill them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.policies import open_statements
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "secrets"

VALUE = Check(
    NAME, "secret-value", "critical", "it has a current value, which is not read here",
    "put one in: `aws secretsmanager put-secret-value --secret-id NAME --secret-string …`",
)  # fmt: skip
KEPT = Check(
    NAME, "secret-kept", "critical", "it is not about to be deleted",
    "`aws secretsmanager restore-secret --secret-id NAME` before its date",
)  # fmt: skip
CLOSED = Check(
    NAME, "secret-policy-closed", "critical", "no statement that lets everybody in",
    "take it out of the secret's resource policy: `aws secretsmanager delete-resource-policy`",
)  # fmt: skip


def ask(context: Context) -> Iterator[Result]:
    """Ask every secret for everything but its value."""
    client = context.aws("secretsmanager")
    arns = {*inventory.tagged(context, "secretsmanager:secret:")}
    arns |= {inventory.output(context, "recordings", "catalogue_secret_arn")} - {None}
    # Those being deleted are listed only when asked for, and carry their tags all the same.
    for one in inventory.pages(client, "list_secrets", "SecretList", IncludePlannedDeletion=True):
        found = {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}
        if inventory.is_ours(context, found):
            arns.add(one["ARN"])
    secrets = {}
    for arn in sorted(arns):
        described = client.describe_secret(SecretId=arn)
        secrets[described["Name"]] = described
    # EvalAI's own are asked for by the subject `evalai`, which says how they get their values.
    evalai = inventory.output(context, "evalai") or {}
    asked = {n: s for n, s in secrets.items() if s["ARN"] not in evalai.values()}
    yield from VALUE.each(context, asked, _value)
    yield from KEPT.each(context, secrets, _kept)
    yield from CLOSED.each(context, secrets, lambda one: _closed(context, one))


def _value(secret: dict[str, Any]) -> Finding:
    stages = secret.get("VersionIdsToStages") or {}
    has = any("AWSCURRENT" in stage for stage in stages.values())
    changed = secret.get("LastChangedDate")
    return Finding(
        has, f"changed {changed:%Y-%m-%d}" if has and changed else "a value" if has else "empty"
    )


def _kept(secret: dict[str, Any]) -> Finding:
    when = secret.get("DeletedDate")
    return Finding(when is None, f"will be deleted: {when:%Y-%m-%d}" if when else "kept")


def _closed(context: Context, secret: dict[str, Any]) -> Finding | None:
    if secret.get("DeletedDate"):
        return None
    answer = context.aws("secretsmanager").get_resource_policy(SecretId=secret["ARN"])
    found = open_statements(answer.get("ResourcePolicy"))
    return Finding(not found, f"open to all: {'; '.join(found)}" if found else "closed")


SUBJECT = Subject(NAME, "Secrets hold a value and stay.", ask, (VALUE, KEPT, CLOSED))
