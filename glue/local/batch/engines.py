"""The container engine of this machine: finding it, what it needs here, and clearing up.

podman and Docker are driven by the same commands. What only one of them needs is found out from
the machine. Containers carry the home folder of their local cloud in a label, so those that a
killed launcher left behind are found again.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("podman", "docker")
LABEL = "glue.local.home"
RECORD = "container-engine"  # in a home folder: the engine its containers run in
CAP_SYS_RESOURCE = 24  # number of <linux/capability.h>
# The most that Fargate allows, and more processes than a container may have.
LIMITS = {"nofile": (resource.RLIMIT_NOFILE, 65_535), "nproc": (resource.RLIMIT_NPROC, 4_096)}
# Controllers of version 2 where those of version 1 are in use, too.
HYBRID = Path("/sys/fs/cgroup/unified/cgroup.controllers")
SWEEPS = 5


@dataclass(frozen=True)
class ContainerEngine:
    """An engine that answers: its program, and what it needs to create containers here."""

    program: str
    options: tuple[str, ...] = ()  # before the verb
    create_options: tuple[str, ...] = ()
    ulimits: tuple[tuple[str, str], ...] = ()  # those a container gets that names none itself

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the engine to its end and return what it said."""
        return subprocess.run(
            [self.program, *words], env=environment(), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what an engine's program is given of our variables.

    DOCKER_HOST is left out: in the launcher it keeps the emulator away from containers. Where
    Docker is found otherwise than by default, a Docker context says so.
    """
    held = os.environ if variables is None else variables
    return {
        name: value
        for name, value in held.items()
        if name in ("PATH", "HOME", "USER")
        or (name.startswith(("XDG_", "CONTAINERS_", "DOCKER_")) and name != "DOCKER_HOST")
    }


def find() -> ContainerEngine:
    """Return the engine of this machine. Raises InputError when none answers."""
    for program in filter(None, map(shutil.which, NAMES)):
        engine = ContainerEngine(program)
        if engine.ask("info").returncode == 0:
            return _podman(engine) if Path(program).name == "podman" else engine
    raise InputError(
        "RUNTIME",
        "no container engine answers",
        "install podman or start Docker, or unset RUNTIME to run jobs as processes",
    )


def _podman(engine: ContainerEngine) -> ContainerEngine:
    """Return podman with what makes it do as Docker and ECS do, on this machine."""
    # A read-only container has no writable /tmp on ECS.
    create = ("--read-only-tmpfs=false",)
    options: tuple[str, ...] = ()
    if HYBRID.exists() and HYBRID.read_text(encoding="ascii").strip():
        # crun refuses control groups of both versions side by side; runc takes them.
        asked = engine.ask("info", "--format", "{{.Host.OCIRuntime.Name}}")
        if asked.stdout.strip() == "crun" and shutil.which("runc"):
            options = ("--runtime", "runc")
    # Root without this capability cannot raise limits, and podman would: it is told ours.
    is_bound = os.geteuid() == 0 and not has_capability(CAP_SYS_RESOURCE)
    ulimits = tuple(own_limits().items()) if is_bound else ()
    return ContainerEngine(engine.program, options, create, ulimits)


def has_capability(number: int, status: Path = Path("/proc/self/status")) -> bool:
    """Tell whether this process has a capability; where there are none, root has every one."""
    try:
        lines = status.read_text(encoding="utf-8").splitlines()
    except OSError:
        return True
    held = next((line.split()[1] for line in lines if line.startswith("CapEff:")), "0")
    return bool(int(held, 16) >> number & 1)


def own_limits() -> dict[str, str]:
    """Return limits that this process may give to another, as `--ulimit` takes them."""
    found = {}
    for name, (number, most) in LIMITS.items():
        hard = resource.getrlimit(number)[1]
        value = most if hard == resource.RLIM_INFINITY else min(hard, most)
        found[name] = f"{value}:{value}"
    return found


def record(home: Path, engine: ContainerEngine) -> None:
    """Remember which engine the containers of a home folder run in."""
    (home / RECORD).write_text(engine.program, encoding="utf-8")


def sweep(home: Path) -> None:
    """Remove every container of a home folder, running or not.

    Does nothing when none was ever started. Raises InputError when some cannot be removed.
    """
    try:
        engine = ContainerEngine((home / RECORD).read_text(encoding="utf-8"))
    except OSError:
        return
    if shutil.which(engine.program) is None:
        return
    said = ""
    # Those that were being created or removed meanwhile take a second look.
    for _ in range(SWEEPS):
        found = engine.ask("ps", "--all", "--quiet", "--filter", f"label={LABEL}={home}")
        said = found.stderr
        if found.returncode == 0:
            if not (containers := found.stdout.split()):
                return
            said = engine.ask("rm", "--force", "--volumes", *containers).stderr
    raise InputError(
        "containers",
        f"{Path(engine.program).name} did not remove those of {home}: {said.strip()}",
        f"remove them yourself: {engine.program} ps --all --filter label={LABEL}={home}",
    )
