"""Taking an environment away: drain it, destroy it, and say what is still there."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError
from pydantic import BaseModel

from glue.deploy import packages
from glue.deploy.plans import MARKER
from glue.deploy.process import TerraformError
from glue.errors import Conflict, InputError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from glue.deploy.environments import Environment

ATTEMPTS = 4
PAUSE_SECONDS = 10.0
DELETED_AT_ONCE = 1000
PROJECT_TAG = "proving-ground"

# AWS says these while one of its parts has not yet heard what another has done.
PASSING = re.compile(
    r"DependencyViolation|BucketNotEmpty|ResourceInUse|OperationAborted|is in use|currently in use"
    r"|ConflictException|TooManyRequests|Throttling|timeout while waiting"
)


class Bucket(NamedTuple):
    """A bucket that Terraform made."""

    name: str
    is_destroyable: bool


class Report(BaseModel):
    """What a destroy did, and what still carries our tags."""

    environment: str
    destroyed: int
    erased_objects: dict[str, int]
    revoked_keys: int
    left: list[str]


def destroy(
    environment: Environment,
    erase_raw: Sequence[str] = (),
    on_line: Callable[[str], None] | None = None,
    pause: float = PAUSE_SECONDS,
) -> Report:
    """Destroy everything Terraform made in an environment.

    Buckets that Terraform marks as destroyable are emptied first. Any other bucket that holds
    something, recordings above all, stops the whole before anything is touched, unless it is
    named in `erase_raw`. Raises Conflict for such a bucket, NotFound for a name that is none
    of this environment's buckets, TerraformError when Terraform fails for good.
    """
    packages.build(environment.target, environment.project)
    terraform = environment.terraform(on_line)
    state = list(resources(terraform.show()))
    storage = environment.client("s3")
    erased = _drainable(storage, [b for b in map(_bucket, state) if b], erase_raw)
    for name in erase_raw:
        # The policy that keeps anyone from deleting recordings has done its work here.
        storage.delete_bucket_policy(Bucket=name)
    revoked = sum(revoke_keys(environment, plan) for plan in _usage_plans(state))
    for attempt in range(1, ATTEMPTS + 1):
        for name in erased:
            erased[name] += empty(storage, name, bypass=name in erase_raw)
        try:
            terraform.destroy(environment.variable_files())
            break
        except TerraformError as error:
            if attempt == ATTEMPTS or not PASSING.search(error.message):
                raise
            time.sleep(pause * attempt)
    left = remaining(environment)
    forget(environment, storage)
    return Report(
        environment=environment.name,
        destroyed=sum(entry.get("mode") == "managed" for entry in state),
        erased_objects={name: count for name, count in erased.items() if count},
        revoked_keys=revoked,
        left=left,
    )


def resources(state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return every resource of a state as `terraform show -json` gives it."""
    root = state.get("values", {}).get("root_module")
    pending = [root] if root else []
    while pending:
        module = pending.pop()
        yield from module.get("resources", [])
        pending += module.get("child_modules", [])


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


def revoke_keys(environment: Environment, usage_plan: str) -> int:
    """Delete the API keys of a usage plan, which devices got after apply; return how many."""
    gateway = environment.client("apigateway")
    try:
        pages = list(gateway.get_paginator("get_usage_plan_keys").paginate(usagePlanId=usage_plan))
    except gateway.exceptions.NotFoundException:
        return 0
    keys = [key["id"] for page in pages for key in page.get("items", [])]
    for key in keys:
        # An earlier attempt that was stopped later may have deleted it already.
        with suppress(gateway.exceptions.NotFoundException):
            gateway.delete_api_key(apiKey=key)
    return len(keys)


def remaining(environment: Environment) -> list[str]:
    """Return the ARNs of what still carries the tags of this environment, sorted.

    A key that only waits for the end of its period of grace counts as gone.
    """
    tags = {"project": PROJECT_TAG, "environment": environment.name}
    pages = (
        environment.client("resourcegroupstaggingapi")
        .get_paginator("get_resources")
        .paginate(TagFilters=[{"Key": key, "Values": [value]} for key, value in tags.items()])
    )
    found = [entry["ResourceARN"] for page in pages for entry in page["ResourceTagMappingList"]]
    return sorted(arn for arn in found if not _is_going(environment, arn))


def forget(environment: Environment, storage: Any) -> None:
    """Remove what apply left on this machine and, locally, the bucket of the empty state."""
    project = environment.project
    project.outputs_file(environment.name).unlink(missing_ok=True)
    (project.plan_folder(environment.name) / "plan.tfplan").unlink(missing_ok=True)
    if environment.is_local:
        (project.local_home / MARKER).unlink(missing_ok=True)
        shutil.rmtree(project.local_home / "profiles", ignore_errors=True)
        empty(storage, environment.state_bucket, bypass=False)
        storage.delete_bucket(Bucket=environment.state_bucket)


def _is_going(environment: Environment, arn: str) -> bool:
    """Tell whether an ARN is that of a key whose deletion is scheduled."""
    if arn.split(":")[2] != "kms":
        return False
    key = environment.client("kms").describe_key(KeyId=arn)["KeyMetadata"]
    return bool(key["KeyState"] == "PendingDeletion")


def _usage_plans(state: Sequence[dict[str, Any]]) -> list[str]:
    """Return the ids of the usage plans in a state."""
    return [
        entry["values"]["id"] for entry in state if entry["type"] == "aws_api_gateway_usage_plan"
    ]


def _bucket(entry: dict[str, Any]) -> Bucket | None:
    """Return the bucket that an entry of the state is, or None for anything else."""
    if entry.get("mode") != "managed" or entry["type"] != "aws_s3_bucket":
        return None
    values = entry["values"]
    # A bucket under Object Lock holds what cannot be made again, on a laptop too.
    may_go = bool(values.get("force_destroy")) and not values.get("object_lock_enabled")
    return Bucket(values["bucket"], may_go)


def _drainable(storage: Any, buckets: Sequence[Bucket], erase_raw: Sequence[str]) -> dict[str, int]:
    """Return the buckets to empty, with zero each, or raise before anything is touched."""
    names = {bucket.name for bucket in buckets}
    for name in erase_raw:
        if name not in names:
            raise NotFound(
                "erase-raw",
                f"{name} is no bucket of this environment",
                f"use one of {', '.join(sorted(names))}",
            )
    for bucket in buckets:
        if bucket.is_destroyable or bucket.name in erase_raw:
            continue
        if _holds_something(storage, bucket.name):
            raise Conflict(
                f"bucket {bucket.name}",
                "it holds recordings or other data that cannot be made again",
                f"to erase them for ever, say `--erase-raw {bucket.name}`",
            )
    return {b.name: 0 for b in buckets if b.is_destroyable or b.name in erase_raw}


def _holds_something(storage: Any, name: str) -> bool:
    """Tell whether a bucket holds any version of any object; a bucket that is gone does not."""
    try:
        page = storage.list_object_versions(Bucket=name, MaxKeys=1)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            return False
        raise
    return bool(page.get("Versions") or page.get("DeleteMarkers"))
