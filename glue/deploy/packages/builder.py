"""The Lambda packages: our own code, and one layer with the libraries it needs.

Both are named by the hash of their content, so a commit that changes no code changes no
name, and the plan is empty.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from glue.deploy.packages import layer
from glue.deploy.packages.archive import files_below, write_archive
from glue.deploy.project import Project, hash_files, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

Target = Literal["aws", "local"]

# Raised when the making changes, so that nobody keeps a package made the old way.
RECIPE = "1"

CODE_FOLDERS = ("lambdas", "glue/recordings", "glue/leaderboard", "glue/api")
CODE_FILES = tuple(
    f"glue/{name}.py" for name in ("__init__", "aws", "errors", "messages", "settings", "telemetry")
)


@dataclass(frozen=True)
class Platform:
    """What the functions run on: Lambda's words for it, and the installer's options."""

    runtime: str
    architecture: str
    options: tuple[str, ...]
    is_compiled: bool

    @classmethod
    def of(cls, target: Target) -> Platform:
        """Return the platform of AWS, or of this machine for the local cloud."""
        if target == "aws":
            # Python 3.12 on Lambda is Amazon Linux 2023 with glibc 2.34.
            wheels = ("--python-platform", "aarch64-manylinux_2_28", "--python-version", "3.12")
            return cls("python3.12", "arm64", wheels, is_compiled=False)
        arm = platform.machine().lower() in {"arm64", "aarch64"}
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return cls(version, "arm64" if arm else "x86_64", (), is_compiled=True)

    @property
    def key(self) -> str:
        """All of it in one line; locally the very interpreter counts."""
        tag = f"{sys.implementation.cache_tag} {sys.platform}" if self.is_compiled else ""
        return f"{RECIPE} {self.runtime} {self.architecture} {self.options} {tag}"


@dataclass(frozen=True)
class Packages:
    """The finished archives, as Terraform's variable `packages` takes them.

    Paths are relative to the Terraform root, so that they are the same on every machine; the
    hashes are base64 SHA-256, which is what Lambda reports.
    """

    code_path: str
    code_hash: str
    layer_path: str
    layer_hash: str
    runtime: str
    architecture: str


@dataclass(frozen=True)
class Built:
    """Where the packages are, and whether they had to be made."""

    packages: Packages
    code: Path
    layer: Path
    variables: Path
    is_new: bool


def build(target: Target, project: Project) -> Built:
    """Make the packages of a target, or find them made already from the same inputs.

    Raises InputError when the libraries cannot be installed.
    """
    folder = project.build / "packages" / target
    stamp = folder / "made.json"
    made: dict[str, Any] = json.loads(stamp.read_text()) if stamp.is_file() else {}
    facts = Platform.of(target)
    sources = code_files(project.repository)
    named = layer.services_named_in(sources.values())
    code_key = f"{facts.key} {hash_files(project.repository, sources.values())}"
    requirements = project.repository / "requirements" / "lambda.txt"
    layer_key = f"{facts.key} {hash_files(project.repository, [requirements])}"

    code = _still_there(folder, made.get("code"), code_key)
    libraries = _still_there(folder, made.get("layer"), layer_key)
    known = set(made.get("layer", {}).get("known", []))
    if libraries and sorted(named & known) != made["layer"]["named"]:
        libraries = None
    is_new = code is None or libraries is None
    folder.mkdir(parents=True, exist_ok=True)
    if code is None:
        code = _make_code(folder, sources, facts)
        made["code"] = _entry(code, code_key)
    if libraries is None:
        libraries, known = _make_layer(folder, requirements, named, facts)
        made["layer"] = _entry(libraries, layer_key)
        made["layer"] |= {"known": sorted(known), "named": sorted(named & known)}
    packages = Packages(
        code_path=Path(os.path.relpath(code, project.root)).as_posix(),
        code_hash=made["code"]["hash"],
        layer_path=Path(os.path.relpath(libraries, project.root)).as_posix(),
        layer_hash=made["layer"]["hash"],
        runtime=facts.runtime,
        architecture=facts.architecture,
    )
    variables = project.build / "packages" / f"{target}.tfvars.json"
    if is_new or not variables.is_file():
        write_json(stamp, made)
        write_json(variables, {"packages": asdict(packages)})
    return Built(packages, code, libraries, variables, is_new)


def code_files(repository: Path) -> dict[str, Path]:
    """Return our own code by its name in the package."""
    files = {name: repository / name for name in CODE_FILES}
    for folder in CODE_FOLDERS:
        files |= files_below(repository / folder, f"{folder}/")
    return files


def _make_code(folder: Path, sources: Mapping[str, Path], facts: Platform) -> Path:
    """Write the archive of our own code."""
    if not facts.is_compiled:
        return _archive(folder, "code", sources)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        return _archive(folder, "code", _with_compiled(Path(place), sources))


def _make_layer(
    folder: Path, requirements: Path, named: set[str], facts: Platform
) -> tuple[Path, set[str]]:
    """Write the archive of the libraries; return it and the names of all AWS services."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        site = Path(place) / "site"
        layer.install(requirements, site, facts.options)
        files, known = layer.chosen_files(site, named)
        if facts.is_compiled:
            files = _with_compiled(Path(place) / "chosen", files)
        return _archive(folder, "layer", files), known


def _with_compiled(place: Path, files: Mapping[str, Path]) -> dict[str, Path]:
    """Copy files to a folder, compile them there, and return both sorts by name."""
    for name, path in files.items():
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return {name: place / name for name in files} | layer.compile_for_here(place)


def _archive(folder: Path, kind: str, files: Mapping[str, Path]) -> Path:
    """Write an archive, name it by its content and remove those it replaces."""
    fresh = folder / f".{kind}.zip"
    write_archive(fresh, files)
    digest = hashlib.sha256(fresh.read_bytes()).hexdigest()
    target = folder / f"{kind}-{digest[:12]}.zip"
    fresh.replace(target)
    for old in folder.glob(f"{kind}-*.zip"):
        if old != target:
            old.unlink()
    return target


def _entry(path: Path, key: str) -> dict[str, Any]:
    """Return what the stamp keeps of an archive."""
    digest = hashlib.sha256(path.read_bytes()).digest()
    return {
        "key": key,
        "name": path.name,
        "size": path.stat().st_size,
        "hash": base64.b64encode(digest).decode(),
    }


def _still_there(folder: Path, entry: dict[str, Any] | None, key: str) -> Path | None:
    """Return the archive of an earlier run if it was made from the same and is still whole."""
    if not entry or entry["key"] != key:
        return None
    path = folder / str(entry["name"])
    return path if path.is_file() and path.stat().st_size == entry["size"] else None
