"""The Terraform state in its bucket: who holds its lock, its backups, and going back to one."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from glue.deploy.holder import Lock, duration, liveness
from glue.deploy.process import LOCKED, TerraformError
from glue.errors import Conflict, InputError, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.deploy.environments import Environment

# A lock younger than this is not taken from its holder without being asked twice.
YOUNG_SECONDS = 180.0
BACKUP_NAME = re.compile(r"(?P<time>[0-9]{8}T[0-9]{6}Z)-serial-(?P<serial>[0-9]+)\.tfstate")
TIME_FORMAT = "%Y%m%dT%H%M%SZ"
ABSENT = ("NoSuchKey", "NoSuchBucket", "404")


class Backup(BaseModel):
    """A copy of a state, made before something changed it."""

    model_config = ConfigDict(frozen=True)

    name: str
    created: datetime
    serial: int
    size: int


# --- the lock -----------------------------------------------------------------------------------


def lock(environment: Environment) -> Lock | None:
    """Return the lock of an environment's state, or None when nobody holds it.

    Raises InputError when there is a lock that cannot be read.
    """
    key = f"{state_key(environment)}.tflock"
    content = _read(environment, key)
    if content is None:
        return None
    try:
        held = Lock.model_validate_json(content)
    except ValidationError as error:
        raise InputError(
            "state lock",
            f"s3://{environment.state_bucket}/{key} is not what Terraform writes",
            "see who wrote it; when nobody works on this environment, delete that object",
        ) from error
    place = {"bucket": environment.state_bucket, "endpoint": environment.endpoint}
    return held.model_copy(update={"environment": environment.name, **place})


def explain(held: Lock) -> str:
    """Say in one sentence who holds a lock, since when, for what, and whether they can be alive."""
    state = {
        "alive": "that terraform still runs on this machine",
        "gone": "no terraform of theirs runs on this machine any more, so it was interrupted",
        "unknown": "that is another machine, so only they can say whether it still runs",
    }[liveness(held)]
    since = f"{held.created.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC ({duration(held.age_seconds)})"
    return f"{held.who or 'somebody'} has held it for {held.verb} since {since}; {state}"


def unlock_command(held: Lock) -> str:
    """Return the command that takes a lock away."""
    return f"glue deploy unlock --env {held.environment} --id {held.id}"


def locked(held: Lock) -> Conflict:
    """Make the error of a state that somebody else holds."""
    remedy = {
        "alive": "wait until it has ended",
        "gone": f"`{unlock_command(held)}`, then plan again and read it",
        "unknown": f"ask them; if it is dead: `{unlock_command(held)}`",
    }[liveness(held)]
    return Conflict(
        f"state of {held.environment}", f"it is locked: {explain(held)}", remedy, "locked"
    )


@contextmanager
def explained(environment: Environment) -> Iterator[None]:
    """Say who holds the lock when Terraform fails for it; and at once when its holder is gone.

    Raises Conflict with the code `locked`.
    """
    held = lock(environment)
    # Terraform would wait for it. The second look rules out a run that has just ended.
    if held and liveness(held) == "gone" and lock(environment) == held:
        raise locked(held)
    try:
        yield
    except TerraformError as error:
        if LOCKED in error.message and (held := lock(environment)):
            raise locked(held) from error
        raise


def unlock(environment: Environment, lock_id: str, *, confirmed: bool = False) -> Lock:
    """Take a lock away from a holder that is gone, and return what it was.

    Raises NotFound when there is no lock, Conflict for another id, and unless `confirmed` for
    a holder that may be alive and for a lock that is only minutes old.
    """
    held = lock(environment)
    if held is None:
        raise NotFound("state lock", f"nobody holds the state of {environment.name}", "plan, apply")
    if held.id != lock_id:
        raise Conflict(
            "state lock",
            f"{lock_id} is not its id: {explain(held)}",
            f"look again with `glue deploy lock --env {environment.name}`",
            "other_lock",
        )
    if not confirmed and (doubt := _doubt(held)):
        raise Conflict(
            "state lock",
            f"{doubt}: {explain(held)}",
            f"make sure that nothing runs, then add `--confirm {environment.name}`",
            "may_be_alive",
        )
    environment.terraform().force_unlock(held.id)
    return held


def _doubt(held: Lock) -> str | None:
    """Return why a lock may not simply be taken away, or None."""
    found = liveness(held)
    if found == "alive":
        return "its holder is at work"
    if found == "unknown":
        return "its holder may be at work"
    if held.age_seconds < YOUNG_SECONDS:
        return f"it is younger than {duration(YOUNG_SECONDS)}"
    return None


# --- backups ------------------------------------------------------------------------------------


def backup(environment: Environment) -> str | None:
    """Copy the state within its bucket and return the copy's name; None when nothing is in it."""
    storage, bucket, key = (
        environment.client("s3"),
        environment.state_bucket,
        state_key(environment),
    )
    try:
        answer = storage.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return None
        raise
    content = json.loads(answer["Body"].read())
    if not content.get("resources"):
        return None  # a workspace that was only made
    serial = int(content["serial"])
    name = f"{datetime.now(UTC):{TIME_FORMAT}}-serial-{serial}.tfstate"
    # The very version that was read, in case somebody writes another meanwhile.
    source = {"Bucket": bucket, "Key": key}
    if version := answer.get("VersionId"):
        source["VersionId"] = version
    storage.copy_object(Bucket=bucket, Key=backup_folder(environment) + name, CopySource=source)
    return name


def backups(environment: Environment) -> tuple[Backup, ...]:
    """Return the backups of an environment's state, newest first."""
    folder = backup_folder(environment)
    pages = environment.client("s3").get_paginator("list_objects_v2")
    found = []
    for page in pages.paginate(Bucket=environment.state_bucket, Prefix=folder):
        for entry in page.get("Contents", []):
            name = entry["Key"].removeprefix(folder)
            if parts := BACKUP_NAME.fullmatch(name):
                created = datetime.strptime(parts["time"], TIME_FORMAT).replace(tzinfo=UTC)
                serial = int(parts["serial"])
                found.append(Backup(name=name, created=created, serial=serial, size=entry["Size"]))
    return tuple(sorted(found, key=lambda one: (one.created, one.serial), reverse=True))


def restore(environment: Environment, name: str) -> int:
    """Put a backup in the place of the present state and return the serial it got.

    The present state is kept as a backup first. What exists in AWS is not touched: the next
    plan shows how it differs. Raises NotFound for an unknown name, Conflict for a backup of
    another lineage and for a state that is locked.
    """
    content = None
    if BACKUP_NAME.fullmatch(name):
        content = _read(environment, backup_folder(environment) + name)
    if content is None:
        raise NotFound(
            "backup",
            f"there is none named {name!r} of {environment.name}",
            f"choose one of `glue deploy backups --env {environment.name}`",
        )
    old: dict[str, Any] = json.loads(content)
    with explained(environment):
        terraform = environment.terraform()
        present = terraform.pull_state()
        if present and present["lineage"] != old["lineage"]:
            raise Conflict(
                "backup",
                f"it is of another state ({old['lineage']}, here it is {present['lineage']})",
                "choose one that was made after this state began",
                "other_lineage",
            )
        backup(environment)
        serial = max(int(present.get("serial", 0)), int(old["serial"])) + 1
        terraform.push_state(old | {"serial": serial})
    return serial


def state_key(environment: Environment) -> str:
    """Return the key of an environment's state in its bucket, as the S3 backend makes it."""
    from glue.deploy.environments import STATE_KEY

    return f"env:/{environment.name}/{STATE_KEY}"


def backup_folder(environment: Environment) -> str:
    """Return the prefix that an environment's backups share."""
    return f"backups/{environment.name}/"


def _read(environment: Environment, key: str) -> bytes | None:
    """Return an object of the state's bucket, or None when there is none."""
    try:
        answer = environment.client("s3").get_object(Bucket=environment.state_bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return None
        raise
    content: bytes = answer["Body"].read()
    return content
