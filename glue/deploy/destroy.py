"""Taking an environment away: drain it, destroy it, and say what is still there and why."""

from __future__ import annotations

import re
import shutil
import time
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from glue.deploy import state
from glue.deploy.drain import (
    batch,
    cluster,
    events,
    keys,
    protection,
    registries,
    remains,
    roles,
    state_machines,
)
from glue.deploy.drain.buckets import empty
from glue.deploy.drain.context import Drain
from glue.deploy.drift.explained import resources_of
from glue.deploy.drift.unmanaged import Known, other_states, recognised
from glue.deploy.packages import builder
from glue.deploy.plans.deployment import MARKER
from glue.deploy.process import TerraformError
from glue.deploy.tagged import going, tagged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from glue.deploy.environments import Environment

ATTEMPTS = 5
PAUSE_SECONDS = 10.0

# AWS says these while one of its parts has not yet heard what another has done.
PASSING = re.compile(
    r"DependencyViolation|BucketNotEmpty|ResourceInUse|OperationAborted|is in use|currently in use"
    r"|ConflictException|TooManyRequests|Throttling|timeout while waiting"
    # Batch, see terraform-provider-aws#13221 and #46925.
    r"|found existing JobQueue relationship|resource is being modified|must be DISABLED"
    # CloudFront: what a distribution that is being deleted still uses.
    r"|DistributionNotDisabled|OriginAccessControlInUse|ResponseHeadersPolicyInUse"
    r"|RepositoryNotEmpty|has dependencies and cannot be deleted|has a dependent object"
)

LISTED_STILL = "Terraform deleted it; AWS goes on listing it for some minutes"
ELSEWHERE = "another Terraform root made it, such as the bootstrap, and it goes with that"
BY_HAND = "no state knows it: it was made by hand, or left by a run that broke off"


class Left(BaseModel):
    """Something that still carries our tags, and why."""

    arn: str
    reason: str

    def __str__(self) -> str:
        return f"{self.arn}: {self.reason}"


class Report(BaseModel):
    """What a destroy did, what still carries our tags, and what AWS will delete by itself."""

    environment: str
    destroyed: int
    erased_objects: dict[str, int]
    revoked_keys: int
    # What else was done on the way, by what it is called, such as stopped_jobs.
    drained: dict[str, int] = Field(default_factory=dict)
    left: list[Left] = Field(default_factory=list)
    going: list[Left] = Field(default_factory=list)

    def to_text(self) -> str:
        """Return the report for people."""
        lines = [f"{self.environment}: {self.destroyed} resources destroyed"]
        lines += [
            f"  {name}: {n} object versions erased" for name, n in self.erased_objects.items()
        ]
        lines.append(f"  {self.revoked_keys} API keys revoked")
        lines += [f"  {n} {what.replace('_', ' ')}" for what, n in self.drained.items()]
        lines += [f"  going: {one}" for one in self.going]
        lines += [f"  still there: {one}" for one in self.left]
        if not self.left:
            lines.append("  nothing is left that carries its tags")
        return "\n".join(lines)


def destroy(
    environment: Environment,
    erase: Sequence[str] = (),
    on_line: Callable[[str], None] | None = None,
    pause: float = PAUSE_SECONDS,
) -> Report:
    """Destroy everything Terraform made in an environment.

    What holds data that cannot be made again, or is protected against deletion, stops the whole
    before anything is touched, all of it in one list, unless it is named in `erase`: a bucket, a
    table, a registry, a user pool and so on. Then everything that runs is ended, what can be
    emptied is emptied, and Terraform destroys, up to five times where AWS only needs time.
    `on_line` is given what is done, line by line; `pause` is the seconds to wait, longer each
    time. Raises Conflict for what is in the way and for a lock that somebody holds, NotFound for
    a name to erase that is nothing of this environment, TerraformError when Terraform fails for
    good.
    """
    builder.build(environment.target, environment.project)
    terraform = environment.terraform(on_line)
    made = [one for one in resources(terraform.show()) if one.get("mode") == "managed"]
    context = Drain(environment, made, _teller(on_line), pause)
    protection.check(context, erase)
    if made:
        state.backup(environment)
    protection.lift(context, erase)
    events.drain(context)
    state_machines.drain(context)
    batch.drain(context)
    cluster.drain(context)
    keys.drain(context)
    roles.drain(context)
    registries.drain(context, erase)
    erased = dict.fromkeys(_buckets(context, erase), 0)
    storage = environment.client("s3")
    for attempt in range(1, ATTEMPTS + 1):
        for name in erased:
            erased[name] += empty(storage, name, bypass=name in erase)
        try:
            with state.explained(environment):
                terraform.destroy(environment.variable_files())
            break
        except TerraformError as error:
            if attempt == ATTEMPTS or not PASSING.search(error.message):
                raise
            context.tell(f"AWS needs time ({_first_line(error)}): again in {pause * attempt:.0f} s")
            time.sleep(pause * attempt)
            remains.release_interfaces(context)
    remains.delete_log_groups(context)
    left, leaving = remaining(environment, made)
    forget(environment, storage)
    revoked = context.counts.pop("revoked_keys", 0)
    return Report(
        environment=environment.name,
        destroyed=len(made),
        erased_objects={name: count for name, count in erased.items() if count},
        revoked_keys=revoked,
        drained=context.counts,
        left=left,
        going=leaving,
    )


def resources(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return every resource of a state as `terraform show -json` gives it."""
    root = content.get("values", {}).get("root_module")
    pending = [root] if root else []
    while pending:
        module = pending.pop()
        yield from module.get("resources", [])
        pending += module.get("child_modules", [])


def remaining(
    environment: Environment, made: Sequence[Mapping[str, Any]] = ()
) -> tuple[list[Left], list[Left]]:
    """Return what still carries the tags of an environment, and what AWS will delete by itself.

    `made` is what Terraform had made, as `terraform show -json` gives it. Keys and secrets whose
    period of grace runs count as going.
    """
    ours = Known()
    for entry in made:
        ours.add(entry["values"])
    others = Known(resources_of(one) for one in other_states(environment))
    left: list[Left] = []
    leaving: list[Left] = []
    for one in tagged(environment):
        if reason := going(environment, one):
            leaving.append(Left(arn=one.arn, reason=reason))
        elif others.has(one):
            left.append(Left(arn=one.arn, reason=ELSEWHERE))
        else:
            known = recognised(one, ours) or (LISTED_STILL if ours.has(one) else BY_HAND)
            left.append(Left(arn=one.arn, reason=known))
    return left, leaving


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


def _buckets(context: Drain, erase: Sequence[str]) -> list[str]:
    """Return the buckets to empty: those marked as destroyable, and those that are named."""
    return [
        values["bucket"]
        for values in context.of("aws_s3_bucket")
        if protection.is_destroyable(values) or values["bucket"] in erase
    ]


def _teller(on_line: Callable[[str], None] | None) -> Callable[[str], None]:
    """Return a receiver for what drains do, told apart from Terraform's own lines."""
    return lambda line: on_line(f"drain: {line}") if on_line else None


def _first_line(error: TerraformError) -> str:
    """Return the sentence of Terraform's that says what went wrong."""
    return error.message.splitlines()[0].removeprefix("Error: ")
