"""Plan, and apply exactly what was planned."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glue.deploy import catalogue_secret, evalai_secrets, state
from glue.deploy.packages import builder
from glue.deploy.plans import refusals
from glue.deploy.plans.seal import (
    CONTENT,
    PLAN,
    SEAL,
    Seal,
    circumstances,
    input_files,
    require_account,
    seal_of,
    surroundings,
)
from glue.deploy.plans.summary import Summary, summarise
from glue.deploy.plans.summary_text import describe
from glue.deploy.process import TerraformError
from glue.deploy.project import hash_files, write_file, write_json
from glue.deploy.recovery import recovery
from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from glue.deploy.environments import Environment
    from glue.deploy.plans.refusals import Refusal
    from glue.deploy.terraform import Terraform

# In the local cloud's folder: what was applied to it last, see glue.cli.up.
MARKER = "deployed.json"
SUMMARIES = ("summary.md", "summary.json")
MOST_LISTED = 20


@dataclass(frozen=True)
class Planned:
    """A saved plan: where its files are and what it would do."""

    folder: Path
    summary: Summary

    @property
    def plan(self) -> Path:
        """The file that Terraform applies."""
        return self.folder / PLAN


def fingerprint(environment: Environment) -> str:
    """Return one short name for all that decides what an apply would make.

    Two local clouds with the same fingerprint hold the same things, so a snapshot of one is
    kept under it. The packages must have been built.
    """
    repository = environment.project.repository
    files = input_files(environment)
    inputs = {kind: hash_files(repository, paths) for kind, paths in files.items()}
    text = json.dumps(inputs, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def plan(environment: Environment, on_line: Callable[[str], None] | None = None) -> Planned:
    """Build the packages and save a plan, its JSON, its summary and its seal.

    Raises InputError when a package cannot be built, Conflict for another account's
    credentials and for a state that somebody holds, and TerraformError when Terraform fails.
    """
    require_account(environment)
    builder.build(environment.target, environment.project)
    folder = environment.project.plan_folder(environment.name)
    # A plan that fails must not leave an older one behind that could then be applied.
    for name in (PLAN, CONTENT, SEAL, *SUMMARIES):
        (folder / name).unlink(missing_ok=True)
    with state.explained(environment):
        terraform = environment.terraform(on_line)
        notes = recovery.recover(environment, terraform, on_line)
        # Before the plan: what changes while it is made makes it one that is refused.
        made = circumstances(environment, terraform)
        file = folder / PLAN
        # A saved plan holds every value, secret ones too: for its owner only.
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            terraform.plan(file, environment.variable_files())
        except TerraformError:
            file.unlink(missing_ok=True)  # Terraform saves plans that failed, too
            raise
    file.chmod(0o600)
    content = terraform.show(file)
    write_json(folder / CONTENT, content, mode=0o600)
    seal = seal_of(made, folder)
    seal.write(folder)
    summary = _summary(environment, seal, content, notes)
    write_file(folder / "summary.md", summary.to_markdown())
    write_json(folder / "summary.json", summary.to_dict())
    return Planned(folder, summary)


def saved_plan(environment: Environment) -> Planned:
    """Return the plan that was saved for an environment, if it is as it was saved.

    Raises Refused when there is none, or its files were changed. Whether it may be applied is
    examine()'s to say.
    """
    return _load(environment)[0]


def examine(environment: Environment, *, allow: Sequence[str] = (), confirm: str = "") -> Planned:
    """Return the saved plan if it may be applied, here and now.

    `allow` holds the addresses of changes that may lose data, `confirm` the environment's name.
    Raises Refused with every reason against it.
    """
    builder.build(environment.target, environment.project)
    saved, seal = _load(environment)
    now = surroundings(environment)
    found: list[Refusal] = refusals.of_place(environment, seal, now)
    # The state of another account or place says nothing about this plan, if it can be read.
    if not found:
        here = circumstances(environment, environment.terraform())
        found += refusals.of_terraform(environment.name, seal, here)
    found += refusals.of_source(environment, seal, now)
    found += refusals.of_age(environment.name, seal)
    found += refusals.of_losses(environment.name, saved.summary, allow)
    found += refusals.of_confirmation(environment.name, confirm)
    if found:
        raise refusals.Refused(environment.name, found)
    return saved


def apply(
    environment: Environment,
    on_line: Callable[[str], None] | None = None,
    *,
    allow: Sequence[str] = (),
    confirm: str = "",
) -> dict[str, Any]:
    """Apply the saved plan and return the outputs, which are kept in build/environments too.

    The state is copied to a backup first. A plan is applied once: it is removed then. Raises
    Refused as examine() does, Conflict when somebody holds the state, and TerraformError when
    Terraform fails.
    """
    saved = examine(environment, allow=allow, confirm=confirm)
    with state.explained(environment):
        terraform = environment.terraform(on_line)
        state.backup(environment)
        if environment.is_local:
            (environment.project.local_home / MARKER).unlink(missing_ok=True)
        recovery.begin(environment)
        try:
            terraform.apply(saved.plan)
        except TerraformError as error:
            recovery.end(environment, error)
            raise
        recovery.end(environment)
    for name in (PLAN, SEAL):
        (saved.folder / name).unlink()
    return settle(environment, terraform)


def settle(environment: Environment, terraform: Terraform | None = None) -> dict[str, Any]:
    """Do what follows an apply: keep the outputs, fill the secrets of catalogue and EvalAI.

    May be done again at any time. Returns the outputs; raises InputError when the secret needs
    a password that nobody gave.
    """
    outputs = (terraform or environment.terraform()).output()
    write_json(environment.project.outputs_file(environment.name), outputs, mode=0o600)
    catalogue_secret.write(environment, outputs)
    evalai_secrets.write(environment, outputs)
    return outputs


def verify(environment: Environment) -> None:
    """Plan again after an apply.

    Raises InputError when that plan is not empty, with each change and what differs in it.
    """
    with state.explained(environment):
        terraform = environment.terraform()
        file = environment.project.plan_folder(environment.name) / "second.tfplan"
        try:
            if not terraform.plan(file, environment.variable_files()):
                return
            summary = summarise(environment.name, terraform.show(file))
        finally:
            file.unlink(missing_ok=True)
    lines = [describe(change) for change in summary.changes]
    lines += [f"output {name}" for name in summary.outputs]
    more = len(lines) - MOST_LISTED
    shown = [*lines[:MOST_LISTED], f"and {more} more"] if more > 0 else lines
    raise InputError(
        "second plan",
        "it is not empty:" + "".join(f"\n  {line}" for line in shown),
        f"the apply is done, but AWS holds something else than was asked for: see it whole with "
        f"`glue deploy plan --env {environment.name}` and mend the configuration",
        "not_empty",
    )


def _load(environment: Environment) -> tuple[Planned, Seal]:
    """Return the saved plan and its seal, having compared them."""
    folder = environment.project.plan_folder(environment.name)
    seal = refusals.read_sealed(environment.name, folder)
    content = json.loads((folder / CONTENT).read_text(encoding="utf-8"))
    return Planned(folder, _summary(environment, seal, content)), seal


def _summary(
    environment: Environment, seal: Seal, content: dict[str, Any], notes: Sequence[str] = ()
) -> Summary:
    """Return what a plan would do, with what it was made from and what speaks against it."""
    place = f"account {seal.account_id} in {seal.region}"
    place += f" at {seal.endpoint}" if seal.endpoint else ""
    source = f"commit {seal.commit[:10]}" if seal.commit else "files outside git"
    made = f"{seal.made_at:%Y-%m-%d %H:%M} UTC"
    warnings = list(notes)
    if seal.is_dirty and refusals.is_guarded(environment.name):
        warnings.append(
            f"there are uncommitted changes, so this plan will be refused: {environment.name} "
            "is only made from commits"
        )
    elif seal.is_dirty and not environment.is_local:
        warnings.append("there are uncommitted changes: no commit says what this plan would make")
    return summarise(
        environment.name,
        content,
        origin=f"From {source}, for {place}, made at {made} with Terraform {seal.terraform}",
        warnings=tuple(warnings),
    )
