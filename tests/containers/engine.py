"""The container engine of this machine for tests, and images built with it.

Nothing is fetched from a registry. The base of every image is made once from Debian's packages,
kept under build/containers and named in BASE; a Dockerfile takes it as `ARG BASE`. Where
debootstrap is missing, CONTAINER_BASE names an image with python3 that is there already.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glue.errors import InputError
from glue.local.batch import engines

if TYPE_CHECKING:
    from glue.local.batch.engines import ContainerEngine

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "containers"
BASE = "localhost/debian:bookworm"
SUITE, PACKAGES = "bookworm", "python3,ca-certificates"
VARIABLE = "CONTAINER_BASE"


class Missing(Exception):  # noqa: N818 - reads as a finding
    """What a test needs is not on this machine; the message says what to install."""


@dataclass(frozen=True)
class Engine:
    """An engine that answers, and the image that others are built upon."""

    engine: ContainerEngine
    base: str

    @property
    def name(self) -> str:
        """`podman` or `docker`."""
        return Path(self.engine.program).name

    def run(self, *words: str) -> str:
        """Run a command of the engine and return what it printed; fail with what it said."""
        said = self.engine.ask(*words)
        if said.returncode != 0:
            raise AssertionError(f"{self.name} {' '.join(words)}: {said.stderr.strip()}")
        return said.stdout

    def build(self, folder: Path, tag: str, *options: str, context: Path | None = None) -> str:
        """Build the Dockerfile of a folder on the base and return the image's name.

        What it copies stands in the folder, or in `context`.
        """
        dockerfile = folder / "Dockerfile"
        command = [self.engine.program, "build", "--tag", tag, "--file", str(dockerfile)]
        if self.name == "podman":
            # Steps without a container of their own: that works in a virtual machine, too.
            command += ["--isolation", "chroot", "--pull=never"]
            ignored = folder / "Dockerfile.dockerignore"  # Docker finds it by itself
            command += ["--ignorefile", str(ignored)] if ignored.exists() else []
        command += ["--build-arg", f"BASE={self.base}", *options, str(context or folder)]
        built = subprocess.run(
            command, capture_output=True, text=True, check=False, env=engines.environment()
        )
        if built.returncode != 0:
            raise AssertionError(f"{' '.join(command)}\n{built.stdout}\n{built.stderr}")
        return tag

    def containers(self, home: Path) -> list[str]:
        """Return the ids of a local cloud's containers, running or not."""
        return self.run(
            "ps", "--all", "--quiet", "--filter", f"label={engines.LABEL}={home}"
        ).split()


def find() -> Engine:
    """Return the engine with its base image, which is made if it is not there.

    Raises Missing with what this machine lacks.
    """
    try:
        engine = engines.find()
    except InputError as error:
        raise Missing(f"{error.message}: {error.remedy}") from error
    named = os.environ.get(VARIABLE)
    base = named or BASE
    if engine.ask("image", "inspect", base).returncode != 0:
        if named:
            raise Missing(f"{VARIABLE}: there is no image {named}: fetch it, or name another")
        _make_base(engine)
    return Engine(engine, base)


def _make_base(engine: ContainerEngine) -> None:
    """Make the base image out of Debian's packages; they are kept for the next time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    archive = FOLDER / f"{SUITE}.tar"
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs side by side make it once
        if not archive.exists():
            _bootstrap(archive)
        imported = engine.ask("import", str(archive), BASE)
        if imported.returncode != 0:
            raise AssertionError(f"import of {archive}: {imported.stderr.strip()}")


def _bootstrap(archive: Path) -> None:
    program = shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None or os.geteuid() != 0:
        raise Missing(
            "there is no base image: install debootstrap and run this as root, or set "
            f"{VARIABLE} to an image with python3 that is on this machine"
        )
    folder, partial = FOLDER / "root", archive.with_suffix(".partial")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for command in (
            [program, "--variant=minbase", f"--include={PACKAGES}", SUITE, str(folder)],
            ["tar", "--directory", str(folder), "--create", "--file", str(partial), "."],
        ):
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            if made.returncode != 0:
                last = "\n".join((made.stdout + made.stderr).splitlines()[-20:])
                raise AssertionError(f"{' '.join(command)}\n{last}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    partial.replace(archive)
