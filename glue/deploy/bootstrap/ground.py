"""What an account has once, before its platform: the bucket of Terraform's states, CI's roles.

Terraform makes the bucket that its own state belongs into. So a copy of the root is applied with
its state in a file, and that state then moves into the bucket; every later run begins there.
Whatever a run was killed at, the next one finds it: the bucket says whether the state has moved,
and what was made but never written down is looked for (glue.deploy.bootstrap.adoption).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict

from glue.deploy.bootstrap import adoption
from glue.deploy.bootstrap import state as states
from glue.deploy.environments import STATE_BUCKET_VARIABLE
from glue.deploy.plans.summary import Summary, summarise
from glue.deploy.process import TerraformError
from glue.deploy.project import write_json
from glue.errors import Conflict, InputError, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glue.deploy.bootstrap.state import BootstrapTerraform, OnLine, Where
    from glue.deploy.environments import Environment

NOBODY = "none"  # instead of a repository: no roles for CI
DEFAULT_BRANCH = "main"
REPOSITORY = re.compile(r"[A-Za-z0-9](-?[A-Za-z0-9]){0,38}/[A-Za-z0-9._-]{1,100}")


class Outcome(BaseModel):
    """What an account has after a bootstrap."""

    model_config = ConfigDict(frozen=True)

    environment: str
    state: dict[str, str]
    ci: dict[str, str] | None
    # Whether the state moved into the bucket in this very run.
    moved: bool


@dataclass(frozen=True)
class Prepared:
    """A planned bootstrap: what it would do, and where its state is so far."""

    environment: Environment
    terraform: BootstrapTerraform
    where: Where
    summary: Summary
    adopted: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do: no change, and the state in the bucket."""
        return self.summary.is_empty and self.where == "bucket"


# --- the two steps ------------------------------------------------------------------------------


def prepare(
    environment: Environment,
    *,
    repository: str | None = None,
    branch: str | None = None,
    unlock: str | None = None,
    on_line: OnLine = None,
) -> Prepared:
    """Plan an account's ground; nothing is made, but what exists already is taken into the state.

    `repository` (owner/name) gets roles for its CI, with `branch` beside its pull requests; None
    keeps what is there, "none" takes the roles away. `unlock` is the id of a lock that a dead run
    left. Raises InputError for the local cloud, another account, or a bucket that is a
    stranger's, and TerraformError when Terraform fails.
    """
    _check_arguments(environment, repository)
    require_account(environment)
    where = states.locate(environment)
    terraform = states.terraform(environment, where, on_line)
    if unlock:
        terraform.force_unlock(unlock)
    variables = states.folder(environment) / "variables.tfvars.json"
    plan = states.folder(environment) / "plan.tfplan"
    try:
        state = terraform.pull_state()
        if where == "bucket":
            states.set_aside(environment, state)
        known = _known_ci(state, variables)
        managed = adoption.addresses(state)
        ci = _ci(known, repository, branch)
        if ci:
            ci |= adoption.foreign_provider(environment, managed)
        write_json(variables, _variables(environment, ci), mode=0o600)
        adopted = adoption.left_over(environment, managed, has_ci=ci is not None)
        for address, identifier in adopted.items():
            terraform.adopt(address, identifier, variables)
        terraform.plan(plan, [variables])
    except TerraformError as error:
        raise _explained(environment, error) from error
    plan.chmod(0o600)
    summary = summarise(environment.name, terraform.show(plan))
    return Prepared(environment, terraform, where, summary, tuple(adopted))


def apply(prepared: Prepared, on_line: OnLine = None) -> Outcome:
    """Apply what was planned, move the state if it is still in a file, and plan once more.

    Raises TerraformError when Terraform fails, and InputError when the last plan is not empty.
    """
    environment, terraform = prepared.environment, prepared.terraform
    plan = states.folder(environment) / "plan.tfplan"
    try:
        if not prepared.summary.is_empty:
            terraform.apply(plan)
        plan.unlink()
        if prepared.where == "file":
            terraform = states.move(environment, on_line)
        _verify(environment, terraform)
        outputs = terraform.output()
    except TerraformError as error:
        raise _explained(environment, error) from error
    return Outcome(
        environment=environment.name,
        state=outputs["state"],
        ci=outputs.get("ci"),
        moved=prepared.where == "file",
    )


# --- is this the right place? -------------------------------------------------------------------


def _check_arguments(environment: Environment, repository: str | None) -> None:
    """Refuse what cannot be bootstrapped."""
    name = states.bucket_name(environment)
    if environment.is_local:
        raise InputError(
            "environment",
            "the local cloud makes the bucket of its state by itself",
            "name an environment of AWS: --env staging",
        )
    if environment.state_bucket != name:
        raise InputError(
            STATE_BUCKET_VARIABLE,
            f"it names {environment.state_bucket}, and a bootstrap makes {name}",
            "unset the variable, or go without a bootstrap",
        )
    if repository not in (None, NOBODY) and not REPOSITORY.fullmatch(repository or ""):
        raise InputError(
            "repository",
            f"{repository!r} is no repository on GitHub",
            "write owner/name, or none for an account without CI",
        )


def require_account(environment: Environment) -> None:
    """Raise InputError unless the credentials are those of the environment's account."""
    environment.require_credentials()
    expected = environment.facts.account_id
    try:
        found = environment.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise InputError(
            "credentials", f"AWS does not take them: {error}", "log in again (`aws sso login`)"
        ) from error
    if found != expected:
        raise InputError(
            "account",
            f"these are credentials of account {found}, but {environment.name} lives in {expected}",
            "use that account's profile, or mend account_id in"
            f" {environment.project.variables_file(environment.name).name}",
        )


def _verify(environment: Environment, terraform: BootstrapTerraform) -> None:
    """Raise InputError unless a plan has nothing left to do."""
    again = states.folder(environment) / "second.tfplan"
    try:
        if not terraform.plan(again, [states.folder(environment) / "variables.tfvars.json"]):
            return
        summary = summarise(environment.name, terraform.show(again))
    finally:
        again.unlink(missing_ok=True)
    addresses = [change.address for change in summary.changes] or list(summary.outputs)
    raise InputError(
        "second plan",
        f"it is not empty: {', '.join(addresses)}",
        f"run `glue deploy bootstrap --env {environment.name}` again and read its plan",
    )


def _explained(environment: Environment, error: TerraformError) -> InputError:
    """Return an error of Terraform; for a lock, with the way to take it from a dead run."""
    found = re.search(r"ID:\s+(\S+)", error.message)
    if "state lock" not in error.message or found is None:
        return error
    return Conflict(
        error.field,
        error.message,
        "wait for the other run; if it is dead: `glue deploy bootstrap"
        f" --env {environment.name} --unlock {found[1]}`",
        "locked",
    )


# --- variables ----------------------------------------------------------------------------------


def _variables(environment: Environment, ci: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the root's variables."""
    return {
        "account_id": environment.facts.account_id,
        "environment": environment.name,
        "region": environment.facts.region,
        "ci": ci,
    }


def _known_ci(state: Mapping[str, Any], variables: Path) -> dict[str, str]:
    """Return for whom CI's roles were made, or were to be made by a run that was interrupted."""
    told = state.get("outputs", {}).get("ci", {}).get("value")
    if told is None and not state.get("outputs") and variables.is_file():
        told = json.loads(variables.read_text(encoding="utf-8")).get("ci")
    return {name: told[name] for name in ("repository", "branch")} if told else {}


def _ci(known: dict[str, str], repository: str | None, branch: str | None) -> dict[str, str] | None:
    """Return for whom CI's roles are to be; None for nobody."""
    chosen = repository or known.get("repository")
    if chosen in (None, NOBODY):
        if branch:
            raise NotFound(
                "branch", "there is no repository that it belongs to", "add --repository"
            )
        return None
    kept = known.get("branch") if chosen == known.get("repository") else None
    return {"repository": str(chosen), "branch": branch or kept or DEFAULT_BRANCH}
