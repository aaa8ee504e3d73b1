"""The last steps: staging goes, prod has not moved, prod goes, nothing is left."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from glue.errors import InputError
from glue.rehearsal.evidence import instances, listed, read_state
from glue.rehearsal.inventory import inventory
from glue.rehearsal.steps import EMPTY, Step, run_plan, unmoved
from glue.rehearsal.trouble import REFUSED, sentence
from glue.rehearsal.verbs import RehearsalError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.rehearsal.accounts import Account
    from glue.rehearsal.stage import Stage

DONE = 0
RECORDING = "rehearsed/metadata.txt"
# How a refusal writes what must be said to lose something.
ERASE = re.compile(r"--erase ([^\s`']+)")


def destroy_staging(stage: Stage) -> Iterator[str]:
    """Destroy staging, in whose bucket of recordings something lies."""
    bucket = bucket_of_recordings(stage.staging)
    stage.staging.client("s3").put_object(
        Bucket=bucket, Key=RECORDING, Body=b"subject_fatigue: 3\n", IfNoneMatch="*"
    )
    yield from destroy(stage, stage.staging, bucket)


def compare_prod(stage: Stage) -> Iterator[str]:
    """Show that prod is as it was, by its state, by its account and by a plan."""
    yield f"prod did not move: {unmoved(stage, stage.prod)}"
    run_plan(stage, stage.prod, EMPTY)
    yield "prod: read anew, every resource is as its state says"


def destroy_prod(stage: Stage) -> Iterator[str]:
    """Destroy prod."""
    yield from destroy(stage, stage.prod)


def nothing_left(stage: Stage) -> Iterator[str]:
    """Show that either account holds what it held after its bootstrap, and nothing else."""
    for account in stage.accounts:
        found = left(stage, account)
        if found:
            raise RehearsalError(
                f"{account.environment}: left",
                f"{len(found)} things are still there: {listed(found)}",
                f"look at account {account.account_id}",
            )
        yield f"{account.environment}: nothing but what the bootstrap made"


STEPS = (
    Step("destroy staging", "staging goes", destroy_staging),
    Step("prod unmoved", "prod is as it was", compare_prod),
    Step("destroy prod", "prod goes", destroy_prod),
    Step("nothing left", "what both accounts still hold", nothing_left),
)


def destroy(stage: Stage, account: Account, held: str | None = None) -> Iterator[str]:
    """Destroy an environment as an operator would: read the refusal, and name what it names.

    `held` is a name the refusal must have. Raises RehearsalError when it has not, and when
    something is left in the state.
    """
    name = account.environment
    verb = ("deploy", "destroy", "--env", name, "--confirm", name, "--json")
    outcome = stage.verbs.run(account, *verb, expected=(DONE, REFUSED))
    named = ERASE.findall(outcome.err) if outcome.code == REFUSED else []
    if (held is not None and held not in named) or (outcome.code == REFUSED and not named):
        raise RehearsalError(
            f"{name}: destroy",
            f"it was not refused for the sake of {held or 'anything that is named'}\n"
            f"{outcome.end()}",
            f"read {outcome.log}",
            str(outcome.log),
        )
    if outcome.code == REFUSED:
        yield f"{name}: {sentence(outcome)}"
        options = [word for one in named for word in ("--erase", one)]
        outcome = stage.verbs.run(account, *verb, *options)
    report = json.loads(outcome.out)
    if remaining := [kind for kind, _ in instances(state_of(account))]:
        raise RehearsalError(f"{name}: destroy", f"its state still holds {listed(remaining)}", "")
    erased = f", {len(named)} of them named one by one" if named else ""
    yield f"{name}: {report['destroyed']} resources destroyed{erased}"


def state_of(account: Account) -> dict[str, Any]:
    """Return an environment's state; one without resources when there is none any more."""
    try:
        return read_state(account)[1]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return {"resources": []}


def bucket_of_recordings(account: Account) -> str:
    """Return the name of the bucket of raw recordings, as the environment puts it out."""
    _, state = read_state(account)
    try:
        name: str = state["outputs"]["recordings"]["value"]["raw_bucket"]
    except KeyError as error:
        raise InputError(
            "outputs", f"{account.environment} puts out no bucket of recordings", "see outputs.tf"
        ) from error
    return name


def left(stage: Stage, account: Account) -> frozenset[str]:
    """Return what an account holds beyond what its bootstrap made."""
    return inventory(account) - stage.empty[account.environment]
