"""One container of a pod in podman or Docker, with what a kubelet would say of its end.

The supervisor of the local Batch follows the engine's client and removes the container, also
when the stand-in was killed; how the container ended is asked before that.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING, Any

from glue.local.batch import engines
from glue.local.batch.containers import (
    ENGINE_FAILED,
    NEVER,
    READ_BY_ENGINES,
    is_out_of_memory,
)
from glue.local.batch.running import Running
from glue.local.batch.supervisor import AFTER
from glue.local.kubernetes import engine_options, pod_network, probes
from glue.local.kubernetes.containers import (
    HANGING,
    KILLED,
    NOT_STARTED,
    CannotStart,
    End,
    Process,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glue.local.batch.engines import ContainerEngine
    from glue.local.images import Image
    from glue.local.kubernetes.faults import ContainerFault
    from glue.local.kubernetes.probes import Answer

Object = dict[str, Any]

KEPT_OUTPUT = 4096  # bytes of the end of an output in which an engine's error is looked for
LOOK_SECONDS = 0.1
# What `exec` ends with when there is no such program, it cannot be run, or the engine failed.
NOT_RUN = frozenset({ENGINE_FAILED, 126, 127})
START_ERROR = "StartError"
START = "failed to create containerd task: failed to start container process: "


class EngineContainer(Process):
    """A container, once `begin` has been called."""

    def __init__(  # noqa: PLR0913, PLR0917 - a container, its pod, and where both are
        self,
        engine: ContainerEngine,
        pod: Object,
        container: Object,
        folder: Path,
        labels: list[str],
        log: Path,
    ) -> None:
        name = container["name"]
        super().__init__(container, folder / "containers" / name, folder / "volumes", log)
        self.engine, self.pod, self.labels = engine, pod, labels
        uid = pod["metadata"]["uid"]
        self.network = network_name(uid)
        self.name = f"pod-{uid}-{name}-{secrets.token_hex(4)}"
        self._ending: asyncio.Task[End] | None = None

    async def begin(self, image: Image, fault: ContainerFault | None) -> None:  # noqa: ARG002 - see Process
        """Create and start the container. Raises CannotStart with the engine's reason."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / AFTER).unlink(missing_ok=True)
        await self._create(is_to_hang=fault is not None and fault.kind == "hang")
        program, name = self.engine.program, self.name
        self._running = await Running.begin(
            [program, *self.engine.options, "start", "--attach", name],
            engines.environment(), self.folder,
            ask=(program, "kill", "--signal", "TERM", name),
            after=(
                (program, "container", "inspect", "--format", "{{.Id}} {{json .State}}", name),
                (program, "rm", "--force", "--volumes", name),
            ),
        )  # fmt: skip
        self._ending = asyncio.ensure_future(self._end())
        await self._await_start(self._ending)
        if fault is not None and fault.kind != "hang":
            loop = asyncio.get_running_loop()
            loop.call_later(fault.after_seconds, self._end_badly, fault)

    async def follow(self) -> End:
        """Return how it ended, once it has; what it printed is in the log then."""
        assert self._ending is not None  # noqa: S101 - it was begun
        return await self._ending

    async def ask(self, command: Sequence[str], seconds: float) -> Answer:
        """Run a probe's command inside."""
        words = [self.engine.program, *self.engine.options, "exec", self.name, *command]
        return await probes.ask(words, engines.environment(), self.folder, seconds, NOT_RUN)

    def create(self, *, is_to_hang: bool = False) -> list[str]:
        """Return the command that creates the container. Raises CannotStart."""
        ulimits = [
            w for name, value in self.engine.ulimits for w in ("--ulimit", f"{name}={value}")
        ]
        container = self.container
        if is_to_hang:  # what it would have run cannot be made to do nothing
            container = {k: v for k, v in container.items() if k not in ("command", "workingDir")}
        words = [
            self.engine.program, *self.engine.options, "create", *self.engine.create_options,
            "--name", self.name, *self.labels, "--pull", "never",
            "--network", f"container:{self.network}", "--log-driver", "none",
            "--stop-timeout", "0", *ulimits,
            *engine_options.options(self.pod, container, self.volumes),
        ]  # fmt: skip
        for name, value in self.variables().items():
            words += ["--env", f"{name}={value}" if READ_BY_ENGINES.fullmatch(name) else name]
        if is_to_hang:
            python = [pod_network.IMAGE, pod_network.PYTHON, "-I", "-S", "-c", HANGING]
            return [*words, *pod_network.python_mounts(), *python]
        return [*words, container["image"], *engine_options.arguments(container)]

    def variables(self) -> dict[str, str]:
        """Return what the manifest gives it; the image's own and the engine's come to it."""
        return {
            entry["name"]: entry.get("value") or "" for entry in self.container.get("env") or ()
        }

    async def _create(self, *, is_to_hang: bool) -> None:
        created = await asyncio.create_subprocess_exec(
            *self.create(is_to_hang=is_to_hang),
            env={**self.variables(), **engines.environment()},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await created.communicate()
        if created.returncode != 0:
            raise CannotStart(f"{START}{said.decode(errors='replace').strip()}")

    async def _await_start(self, ending: asyncio.Task[End]) -> None:
        """Wait until it runs, or has ended. Raises CannotStart when it never ran."""
        asked = ("container", "inspect", "--format", "{{.State.StartedAt}}", self.name)
        while not ending.done():
            said = await asyncio.to_thread(self.engine.ask, *asked)
            if said.returncode == 0 and not said.stdout.startswith(NEVER):
                return
            await asyncio.wait({ending}, timeout=LOOK_SECONDS)
        if (end := ending.result()).reason == START_ERROR:
            raise CannotStart(end.message)

    async def _end(self) -> End:
        """Write down what it prints until it ends; return how it ended."""
        assert self._running is not None  # noqa: S101 - it was begun
        last = b""
        with self.log.open("ab", buffering=0) as out:

            def write(chunk: bytes) -> None:
                nonlocal last
                last = (last + chunk)[-KEPT_OUTPUT:]
                out.write(chunk)

            code = await self._running.follow(write)
        return self._verdict or self.judge(code, last.decode(errors="replace").strip())

    def judge(self, code: int, printed: str) -> End:
        """Return how it ended, from what the engine said of it before it was removed."""
        try:
            lines = (self.folder / AFTER).read_text(encoding="utf-8").splitlines()
            identity, told = lines[0].split(" ", 1)
            state = json.loads(told)
        except (OSError, IndexError, ValueError):
            if code == ENGINE_FAILED:
                return End(NOT_STARTED, START_ERROR, f"{START}{printed}")
            return End(code, reason(code))  # somebody else removed it
        if state["StartedAt"].startswith(NEVER):
            return End(NOT_STARTED, START_ERROR, f"{START}{state.get('Error') or printed}")
        if state["Running"]:
            return End(KILLED, "Error")  # its removal ended it
        code = int(state["ExitCode"])
        if code and (state["OOMKilled"] or is_out_of_memory(identity)):
            return End(code, "OOMKilled")
        return End(code, reason(code))


def network_name(uid: str) -> str:
    """Return the name of the container that holds a pod's network."""
    return f"pod-{uid}-network"


def reason(code: int) -> str:
    """Return Kubernetes' word for an end of its own."""
    return "Completed" if code == 0 else "Error"
