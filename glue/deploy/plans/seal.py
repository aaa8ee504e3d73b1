"""What a plan was made from and where: kept beside it, and compared before it is applied."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from glue.deploy.checkout import checkout
from glue.deploy.project import write_json
from glue.errors import Conflict, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from glue.deploy.environments import Environment
    from glue.deploy.project import Project
    from glue.deploy.terraform import Terraform

FORMAT = 1
SEAL, PLAN, CONTENT = "seal.json", "plan.tfplan", "plan.json"
NOT_CONFIGURATION = ("tests", ".terraform", "environments", "terraform.tfstate.d")
ABSENT = "absent"

# The sorts of input, as the seal calls them.
KINDS = ("configuration", "lock_file", "variables", "packages")


class State(BaseModel):
    """Which state a plan starts from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lineage: str
    serial: int


class Circumstances(BaseModel):
    """Everything that must be the same when a plan is applied as when it was made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environment: str
    workspace: str
    account_id: str
    region: str
    endpoint: str | None
    commit: str | None
    is_dirty: bool | None
    terraform: str
    # None before anything was ever applied.
    state: State | None
    # Sort of input → file (relative to the repository) → SHA-256.
    inputs: dict[str, dict[str, str]]


class Seal(Circumstances):
    """A plan's circumstances, the hashes of its files, and when it was made."""

    format: int = FORMAT
    plan_sha256: str
    json_sha256: str
    made_at: datetime

    @property
    def age_hours(self) -> float:
        """How long ago the plan was made, in hours; negative when a clock is wrong."""
        return (datetime.now(UTC) - self.made_at).total_seconds() / 3600

    def write(self, folder: Path) -> None:
        """Write the seal beside its plan, with a checksum over itself.

        The checksum shows what was edited or cut short. It is no signature: whoever may write
        here and apply could write another.
        """
        document = self.model_dump(mode="json")
        write_json(folder / SEAL, document | {"checksum": _checksum(document)})

    @classmethod
    def read(cls, folder: Path) -> Seal:
        """Read the seal beside a plan. Raises ValueError when it is not as it was written."""
        document = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise TypeError("it is no object")
        checksum = document.pop("checksum", None)
        if checksum != _checksum(document):
            raise ValueError("its checksum does not fit")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def circumstances(environment: Environment, terraform: Terraform) -> Circumstances:
    """Return the circumstances that are in force now; Terraform must have been initialised."""
    state = terraform.pull_state()
    return Circumstances(
        **surroundings(environment),
        workspace=terraform.selected_workspace(),
        terraform=".".join(map(str, terraform.version())),
        state=State(lineage=state["lineage"], serial=state["serial"]) if state else None,
    )


def surroundings(environment: Environment) -> dict[str, Any]:
    """Return those circumstances that can be told without Terraform."""
    here = checkout(environment.project.repository)
    return {
        "environment": environment.name,
        "account_id": account_in_force(environment),
        "region": environment.facts.region,
        "endpoint": environment.endpoint,
        "commit": here.commit,
        "is_dirty": here.is_dirty,
        "inputs": hashed_inputs(environment),
    }


def account_in_force(environment: Environment) -> str:
    """Return the account that the credentials in force belong to, as AWS says it.

    Raises InputError when there are none, they have expired, or nobody answers.
    """
    environment.require_credentials()
    try:
        return str(environment.client("sts").get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise InputError(
            "credentials",
            f"AWS does not say whose they are: {error}",
            "start the local cloud: `glue local up`"
            if environment.is_local
            else "log in again (`aws sso login`), or check AWS_PROFILE and AWS_ENDPOINT_URL",
            "no_account",
        ) from error


def require_account(environment: Environment) -> None:
    """Raise Conflict when the credentials in force are not those of the environment's account."""
    found, meant = account_in_force(environment), environment.facts.account_id
    if found != meant:
        raise Conflict(
            "account",
            f"these are credentials of account {found}, but {environment.name} lives in {meant}",
            f"use that account's profile (AWS_PROFILE), or mend account_id in "
            f"{environment.project.variables_file(environment.name).name}",
            "other_account",
        )


# --- inputs -------------------------------------------------------------------------------------


def input_files(environment: Environment) -> dict[str, list[Path]]:
    """Return the files that decide what a plan is, by sort; what is built is not among them."""
    project = environment.project
    settings, package, *rest = environment.variable_files()
    return {
        "configuration": configuration_files(project),
        "lock_file": [project.lock_file],
        "variables": [settings, *rest],
        "packages": [package],
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


def hashed_inputs(environment: Environment) -> dict[str, dict[str, str]]:
    """Return the SHA-256 of every input by sort and path, the built archives among them."""
    files = input_files(environment)
    files["packages"] += _archives(environment.project, files["packages"][0])
    repository = environment.project.repository
    return {kind: _hashes(repository, paths) for kind, paths in files.items()}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or a word that is none when there is no such file."""
    if not path.is_file():
        return ABSENT
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changed_files(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the paths whose content differs, came or went, sorted."""
    return sorted(path for path in {*then, *now} if then.get(path) != now.get(path))


def seal_of(made: Circumstances, folder: Path) -> Seal:
    """Return the seal of the plan that lies in a folder, made just now."""
    return Seal(
        **made.model_dump(),
        plan_sha256=sha256(folder / PLAN),
        json_sha256=sha256(folder / CONTENT),
        made_at=datetime.now(UTC).replace(microsecond=0),
    )


def _archives(project: Project, variables: Path) -> list[Path]:
    """Return the archives that the variables of the packages name."""
    try:
        facts = json.loads(variables.read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError):
        return []  # the hash of the file itself says that it changed
    named = [value for name, value in sorted(facts.items()) if name.endswith("_path")]
    return [(project.root / path).resolve() for path in named]


def _hashes(base: Path, paths: Iterable[Path]) -> dict[str, str]:
    """Return the hash of each file by its path relative to a folder."""
    return {os.path.relpath(path, base).replace(os.sep, "/"): sha256(path) for path in paths}


def _checksum(document: Mapping[str, Any]) -> str:
    """Return a hash over a document, whatever the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
