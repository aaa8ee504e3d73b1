"""Where the parts of a deployment lie on disk."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

BUILD_VARIABLE = "PROVING_GROUND_BUILD"
LOCAL_HOME_VARIABLE = "PROVING_GROUND_LOCAL_HOME"
ENVIRONMENTS_VARIABLE = "PROVING_GROUND_ENVIRONMENTS"

PRIVATE_FILE = 0o600


@dataclass(frozen=True)
class Project:
    """The repository, and the folder that holds everything made from it."""

    repository: Path
    build: Path
    local_home: Path
    # The folder of the environments' tfvars files; None for the repository's own.
    environments: Path | None = None

    @classmethod
    def here(cls) -> Project:
        """Return the project this very file belongs to.

        PROVING_GROUND_BUILD moves the build folder and PROVING_GROUND_LOCAL_HOME the folder
        of the local cloud, so that two clouds can stand side by side.
        PROVING_GROUND_ENVIRONMENTS names another folder of tfvars files, for those who keep
        theirs outside this repository.
        """
        repository = Path(__file__).resolve().parents[2]
        build = Path(os.environ.get(BUILD_VARIABLE) or repository / "build").absolute()
        home = Path(os.environ.get(LOCAL_HOME_VARIABLE) or build / "local").absolute()
        chosen = os.environ.get(ENVIRONMENTS_VARIABLE)
        return cls(repository, build, home, Path(chosen).absolute() if chosen else None)

    @property
    def root(self) -> Path:
        """The Terraform root of the platform."""
        return self.repository / "terraform" / "platform"

    @property
    def modules(self) -> Path:
        """The Terraform modules the root is made of."""
        return self.repository / "modules"

    @property
    def lock_file(self) -> Path:
        """Terraform's record of the provider versions and their checksums."""
        return self.root / ".terraform.lock.hcl"

    def variables_file(self, environment: str) -> Path:
        """Return the file that says what differs in an environment."""
        folder = self.environments or self.root / "environments"
        return folder / f"{environment}.tfvars"

    def terraform_folder(self, environment: str) -> Path:
        """Return the folder of Terraform's own files for an environment."""
        return self.build / "terraform" / environment

    def plan_folder(self, environment: str) -> Path:
        """Return the folder of an environment's saved plan."""
        return self.build / "plans" / environment

    def outputs_file(self, environment: str) -> Path:
        """Return the file that holds what the last apply of an environment put out."""
        return self.build / "environments" / f"{environment}.json"


def write_file(path: Path, content: str | bytes, mode: int | None = None) -> None:
    """Write a file so that a reader sees the old or the new content, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    data = content.encode() if isinstance(content, str) else content
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode or 0o666)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    fresh.replace(path)


def write_json(path: Path, value: Any, mode: int | None = None) -> None:
    """Write a value as JSON for machines and readers alike: sorted and indented."""
    write_file(path, json.dumps(value, indent=2, sort_keys=True) + "\n", mode)


def hash_files(base: Path, files: Iterable[Path]) -> str:
    """Return one SHA-256 over the names (relative to a folder) and contents of files.

    A file that is missing counts too: making it later changes the hash.
    """
    digest = hashlib.sha256()
    for path in sorted(set(files)):
        digest.update(os.path.relpath(path, base).replace(os.sep, "/").encode() + b"\0")
        content = path.read_bytes() if path.is_file() else b"absent"
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()
