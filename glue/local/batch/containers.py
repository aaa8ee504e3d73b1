"""Jobs in containers of podman or Docker, on the network of this machine.

An image is used if it is here, and never fetched: the local cloud sends nothing anywhere. The
supervisor follows the container and removes it; how the container ended is asked before that.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glue.local.batch import definitions, engines
from glue.local.batch.outside import Refused
from glue.local.batch.running import Running
from glue.local.batch.supervisor import AFTER
from glue.local.batch.tasks import Ending

if TYPE_CHECKING:
    from glue.local.batch.engines import ContainerEngine
    from glue.local.batch.tasks import Task

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
NEVER = "0001-01-01"  # when a container was started that never was
PROCESSES = 1024  # in one container: a job that starts them without end harms nobody else
ENGINE_FAILED, KILLED = 125, 137
KERNEL_LOG = Path("/dev/kmsg")
# Variables that mean something to the engine's own program: it is told them, not given them.
READ_BY_ENGINES = re.compile(
    r"PATH|HOME|USER|TMPDIR|(HTTPS?|FTP|ALL|NO)_PROXY|CONTAINER_(HOST|SSHKEY)|NOTIFY_SOCKET|"
    r"(BUILDAH|CONTAINERS|DBUS|DOCKER|LD|LISTEN|PODMAN|REGISTRY|SSL_CERT|STORAGE|XDG)_\w+|"
    r"GO(DEBUG|GC|MAXPROCS|MEMLIMIT|TRACEBACK)",
    re.IGNORECASE,
)


class Containers:
    """Runs a task in a container. Containers that an earlier launcher left are removed first."""

    def __init__(self, engine: ContainerEngine, home: Path) -> None:
        self.engine, self.home = engine, home
        engines.record(home, engine)
        engines.sweep(home)
        self._removing: set[asyncio.Task[Any]] = set()

    def words(self, task: Task) -> list[str]:
        """Return the command that creates a container. Raises Refused for what it cannot have."""
        container = task.container
        memory = f"{definitions.requirement(container, 'MEMORY')}m"
        # An engine refuses more processors than there are.
        cpus = min(float(definitions.requirement(container, "VCPU") or 1), os.cpu_count() or 1)
        words = [
            self.engine.program, *self.engine.options, "create", *self.engine.create_options,
            "--name", task.name, "--label", f"{engines.LABEL}={self.home}", "--pull", "never",
            # The local cloud listens on the loopback address only.
            "--network", "host", "--log-driver", "none", "--stop-timeout", "0",
            "--memory", memory, "--memory-swap", memory, "--cpus", f"{cpus:g}",
            "--pids-limit", str(PROCESSES),
        ]  # fmt: skip
        words += _asked_for(container)
        ulimits = dict(self.engine.ulimits) | {
            entry["name"]: f"{entry['softLimit']}:{entry['hardLimit']}"
            for entry in container.get("ulimits") or ()
        }
        for name, limit in ulimits.items():
            words += ["--ulimit", f"{name}={limit}"]
        for name, value in sorted(task.variables.items()):
            words += ["--env", f"{name}={value}" if READ_BY_ENGINES.fullmatch(name) else name]
        return [*words, container["image"], *task.command]

    async def begin(self, task: Task) -> Running:
        """Create and start the container. Raises Refused with what ECS would say."""
        creating = asyncio.ensure_future(self._create(task))
        try:
            await asyncio.shield(creating)
        except asyncio.CancelledError:
            # What is being created is removed as soon as it is there.
            creating.add_done_callback(lambda _: self._remove(task.name))
            raise
        program, name = self.engine.program, task.name
        after = (
            (program, "container", "inspect", "--format", "{{.Id}} {{json .State}}", name),
            (program, "rm", "--force", "--volumes", name),
        )
        return await Running.begin(
            [program, "start", "--attach", name], engines.environment(), task.folder,
            ask=(program, "kill", "--signal", "TERM", name), after=after,
        )  # fmt: skip

    def ending(self, task: Task, code: int, printed: bytes) -> Ending:
        """Return how a container ended, from what the engine said of it before it was removed."""
        text = printed.decode(errors="replace").strip()
        try:
            identity, state = (task.folder / AFTER).read_text().splitlines()[0].split(" ", 1)
            found = json.loads(state)
        except (OSError, IndexError, ValueError):
            if code == ENGINE_FAILED:
                return Ending(None, f"CannotStartContainerError: {text}")
            return Ending(code)  # somebody else removed it
        if found["StartedAt"].startswith(NEVER):
            return Ending(None, f"CannotStartContainerError: {found.get('Error') or text}")
        if found["Running"]:
            return Ending(KILLED)  # its removal ended it
        code = int(found["ExitCode"])
        if code and (found["OOMKilled"] or is_out_of_memory(identity)):
            return Ending(code, OUT_OF_MEMORY)
        return Ending(code)

    async def _create(self, task: Task) -> None:
        created = await asyncio.create_subprocess_exec(
            *self.words(task),
            env={**task.variables, **engines.environment()},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await created.communicate()
        if created.returncode == 0:
            return
        image = task.container["image"]
        if (await asyncio.to_thread(self.engine.ask, "image", "inspect", image)).returncode != 0:
            raise Refused(
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed "
                f"to resolve ref {image}: not found on this machine; build it, or fetch it with "
                f"{Path(self.engine.program).name} pull {image}"
            )
        raise Refused(f"CannotCreateContainerError: {said.decode(errors='replace').strip()}")

    def _remove(self, name: str) -> None:
        asked = asyncio.to_thread(self.engine.ask, "rm", "--force", "--volumes", name)
        removing = asyncio.ensure_future(asked)
        self._removing.add(removing)
        removing.add_done_callback(self._removing.discard)


def _asked_for(container: dict[str, Any]) -> list[str]:
    """Return the options for what a definition may ask for beside its size."""
    words = []
    if container.get("privileged"):
        raise Refused("CannotCreateContainerError: the local cloud runs no privileged container")
    if container.get("readonlyRootFilesystem"):
        words.append("--read-only")
    if container.get("user"):
        words += ["--user", container["user"]]
    for entry in (container.get("linuxParameters") or {}).get("tmpfs") or ():
        options = ",".join([f"size={entry['size']}m", *(entry.get("mountOptions") or ())])
        words += ["--tmpfs", f"{entry['containerPath']}:{options}"]
    empty = {
        volume["name"]
        for volume in container.get("volumes") or ()
        if not (volume.get("host") or {}).get("sourcePath")
        and not volume.get("efsVolumeConfiguration")
    }
    for mount in container.get("mountPoints") or ():
        if mount["sourceVolume"] not in empty:
            raise Refused(
                "CannotCreateContainerError: the local cloud mounts empty volumes only, and "
                f"{mount['sourceVolume']} is a folder of an instance or a file system"
            )
        suffix = ",ro=true" if mount.get("readOnly") else ""
        words += ["--mount", f"type=volume,destination={mount['containerPath']}{suffix}"]
    return words


def is_out_of_memory(identity: str, log: Path = KERNEL_LOG) -> bool:
    """Tell whether the kernel's log says that it killed a process of a container for its memory.

    podman does not notice it with control groups of version 1. Without the right to read that
    log the answer is no.
    """
    try:
        descriptor = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    wanted = re.compile(rb"oom-kill:.*oom_memcg=[^,]*" + re.escape(identity.encode()))
    with os.fdopen(descriptor, "rb", buffering=0) as kernel:
        while True:
            try:
                entry = kernel.read(8192)
            except BrokenPipeError:  # entries that were overwritten meanwhile
                continue
            except OSError:
                return False
            if not entry:
                return False
            if wanted.search(entry):
                return True
