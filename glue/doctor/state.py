"""The Terraform state: within reach, with a history, and locked by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from glue.checks.check import Check, Finding
from glue.checks.run import Subject
from glue.deploy import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.report import Result
    from glue.doctor.context import Context

NAME = "state"

BUCKET = Check(
    NAME, "state-bucket", "critical", "the bucket of the state is there and keeps versions",
    "make it: `glue deploy bootstrap --env ENV`; or name another in PROVING_GROUND_STATE_BUCKET",
)  # fmt: skip
LOCK = Check(
    NAME, "state-lock", "high", "nobody holds the lock of the state",
    "wait for its holder; when that is dead, `glue deploy unlock --env ENV --id ID`",
)  # fmt: skip
CHECKS = (BUCKET, LOCK)


def ask(context: Context) -> Iterator[Result]:
    """Look into the bucket of the state."""
    deployment = context.deployment
    if deployment is None:
        return
    try:
        versions = context.aws("s3").get_bucket_versioning(Bucket=deployment.state_bucket)
    except (BotoCoreError, ClientError) as error:
        if deployment.is_local:
            reason = "the first plan makes it in the local cloud"
            yield BUCKET.uncovered(context, deployment.state_bucket, reason)
            return
        yield BUCKET.result(context, deployment.state_bucket, Finding(False, str(error)))
        return
    status = versions.get("Status", "never enabled")
    yield BUCKET.result(
        context, deployment.state_bucket, Finding(status == "Enabled", f"versioning: {status}")
    )
    held = state.lock(deployment)
    yield LOCK.result(context, "", Finding(held is None, state.explain(held) if held else "free"))


SUBJECT = Subject(NAME, "The state's bucket and its lock.", ask, CHECKS)
