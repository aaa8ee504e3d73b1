"""Plan, and apply exactly what was planned."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glue.deploy import catalogue_secret, packages
from glue.deploy.project import hash_files, write_file, write_json
from glue.deploy.summary import Summary, summarise
from glue.errors import Conflict, InputError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glue.deploy.environments import Environment
    from glue.deploy.project import Project
    from glue.deploy.terraform import Terraform

# In the local cloud's folder: what was applied to it last, see glue.cli.up.
MARKER = "deployed.json"
NOT_CONFIGURATION = ("tests", ".terraform", "environments", "terraform.tfstate.d")


@dataclass(frozen=True)
class Planned:
    """A saved plan: where its files are and what it would do."""

    folder: Path
    summary: Summary

    @property
    def plan(self) -> Path:
        """The file that Terraform applies."""
        return self.folder / "plan.tfplan"


def inputs(environment: Environment) -> dict[str, str]:
    """Return a hash for each sort of input that decides what a plan is."""
    project = environment.project
    settings, package, *rest = environment.variable_files()
    return {
        "configuration": hash_files(project.repository, configuration_files(project)),
        "lock file": hash_files(project.repository, [project.lock_file]),
        "variables": hash_files(project.repository, [settings, *rest]),
        "packages": hash_files(project.repository, [package]),
    }


def configuration_files(project: Project) -> list[Path]:
    """Return the files that make up the platform's configuration: the root and its modules."""
    return [
        path
        for folder in (project.root, project.modules)
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix != ".md"
        and not path.name.startswith(".")
        and not set(path.relative_to(folder).parts) & set(NOT_CONFIGURATION)
    ]


def fingerprint(environment: Environment) -> str:
    """Return one short name for all that decides what an apply would make.

    Two local clouds with the same fingerprint hold the same things, so a snapshot of one is
    kept under it. The packages must have been built.
    """
    text = json.dumps(inputs(environment), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def plan(environment: Environment, on_line: Callable[[str], None] | None = None) -> Planned:
    """Build the packages and save a plan, its JSON, its summary and the hash of its inputs.

    Raises InputError when a package cannot be built and TerraformError when Terraform fails.
    """
    packages.build(environment.target, environment.project)
    folder = environment.project.plan_folder(environment.name)
    # A plan that fails must not leave an older one behind that could then be applied.
    for name in ("plan.tfplan", "plan.json", "summary.md", "inputs.json"):
        (folder / name).unlink(missing_ok=True)
    made_from = inputs(environment)
    terraform = environment.terraform(on_line)
    file = folder / "plan.tfplan"
    terraform.plan(file, environment.variable_files())
    # The saved plan holds every value, secret ones too: for its owner only.
    file.chmod(0o600)
    content = terraform.show(file)
    write_json(folder / "plan.json", content, mode=0o600)
    summary = summarise(environment.name, content)
    write_file(folder / "summary.md", summary.to_markdown())
    write_json(folder / "inputs.json", made_from)
    return Planned(folder, summary)


def saved_plan(environment: Environment) -> Planned:
    """Return the plan that was saved for an environment.

    Raises NotFound when there is none and Conflict when its inputs have changed since.
    """
    folder = environment.project.plan_folder(environment.name)
    again = f"run `glue deploy plan --env {environment.name}` and read it"
    if not (folder / "inputs.json").is_file() or not (folder / "plan.tfplan").is_file():
        raise NotFound("plan", f"there is no plan for {environment.name}", again)
    then = json.loads((folder / "inputs.json").read_text(encoding="utf-8"))
    now = inputs(environment)
    changed = [kind for kind in now if now[kind] != then.get(kind)]
    if changed:
        raise Conflict("plan", f"changed since it was made: {', '.join(changed)}", again)
    content = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    return Planned(folder, summarise(environment.name, content))


def apply(environment: Environment, on_line: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Apply the saved plan and return the outputs, which are kept in build/environments too.

    A plan is applied once: it is removed then. Raises NotFound and Conflict as saved_plan does
    and TerraformError when Terraform fails.
    """
    packages.build(environment.target, environment.project)
    saved = saved_plan(environment)
    terraform = environment.terraform(on_line)
    if environment.is_local:
        (environment.project.local_home / MARKER).unlink(missing_ok=True)
    terraform.apply(saved.plan)
    saved.plan.unlink()
    return settle(environment, terraform)


def settle(environment: Environment, terraform: Terraform | None = None) -> dict[str, Any]:
    """Do what follows an apply: keep the outputs, fill the catalogue's secret.

    May be done again at any time. Returns the outputs; raises InputError when the secret needs
    a password that nobody gave.
    """
    outputs = (terraform or environment.terraform()).output()
    write_json(environment.project.outputs_file(environment.name), outputs, mode=0o600)
    catalogue_secret.write(environment, outputs)
    return outputs


def verify(environment: Environment) -> None:
    """Plan again after an apply. Raises InputError when that plan is not empty."""
    terraform = environment.terraform()
    file = environment.project.plan_folder(environment.name) / "second.tfplan"
    try:
        if not terraform.plan(file, environment.variable_files()):
            return
        summary = summarise(environment.name, terraform.show(file))
    finally:
        file.unlink(missing_ok=True)
    addresses = [change.address for change in summary.changes] or list(summary.outputs)
    raise InputError(
        "second plan",
        f"it is not empty: {', '.join(addresses[:10])}",
        f"see why with `glue deploy plan --env {environment.name}`, mend the configuration",
    )
