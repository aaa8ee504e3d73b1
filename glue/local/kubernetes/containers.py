"""One container: the program that stands for its image, as a process of this machine."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from glue.errors import InputError, NotFound
from glue.local import images
from glue.local.batch.running import Running
from glue.local.kubernetes import probes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glue.local.kubernetes.faults import ContainerFault
    from glue.local.kubernetes.probes import Answer

Object = dict[str, Any]

NOT_STARTED, KILLED = 128, 137
# Does nothing for ever, and heeds no signal that can be passed over.
HANGING = (
    "import signal, time\n"
    "for number in (signal.SIGTERM, signal.SIGINT): signal.signal(number, signal.SIG_IGN)\n"
    "while True: time.sleep(60)"
)


class CannotPull(Exception):  # noqa: N818 - reads as a finding
    """An image cannot be had, or not be used; `reason` is for what is no failed attempt."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class CannotStart(Exception):  # noqa: N818 - reads as a finding
    """An image has no such program."""


class End(NamedTuple):
    """How a container ended."""

    code: int
    reason: str
    message: str = ""


def pull(image: str, home: Path, *, is_out_of_reach: bool) -> images.Image:
    """Return what an image runs. Raises CannotPull."""
    start = f'failed to pull and unpack image "{image}": '
    if is_out_of_reach:
        raise CannotPull(f"{start}failed to do request: dial tcp: i/o timeout")
    try:
        return images.find(image, images.read(home))
    except (NotFound, InputError) as error:
        raise CannotPull(f"{start}failed to resolve reference: {error}") from error


class Process:
    """A container's process, once `begin` has been called."""

    def __init__(self, container: Object, folder: Path, volumes: Path, log: Path) -> None:
        self.container, self.folder, self.volumes, self.log = container, folder, volumes, log
        self._running: Running | None = None
        self._verdict: End | None = None

    async def begin(self, image: images.Image, fault: ContainerFault | None) -> None:
        """Start the program. Raises CannotStart when there is none of its name."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        variables = self.variables()
        if fault is not None and fault.kind == "hang":
            words = [sys.executable, "-c", HANGING]
        else:
            words = self.words(image)
        program = shutil.which(words[0], path=variables["PATH"]) if words else None
        if program is None:
            raise CannotStart(
                "failed to create containerd task: failed to start container process: exec: "
                f'"{words[0] if words else ""}": executable file not found in $PATH: unknown'
            )
        place = self.container.get("workingDir")
        folder = Path(self.mapped(place)) if place else self.folder
        if not folder.is_dir():
            folder = self.folder
        self._running = await Running.begin([program, *words[1:]], variables, folder)
        if fault is not None and fault.kind != "hang":
            loop = asyncio.get_running_loop()
            loop.call_later(fault.after_seconds, self._end_badly, fault)

    async def follow(self) -> End:
        """Write down what it prints until it ends; return how it ended."""
        assert self._running is not None  # noqa: S101 - it was begun
        with self.log.open("ab", buffering=0) as out:
            code = await self._running.follow(lambda chunk: void(out.write(chunk)))
        if self._verdict is not None:
            return self._verdict
        return End(code, "Completed" if code == 0 else "Error")

    async def ask(self, command: Sequence[str], seconds: float) -> Answer:
        """Run a probe's command where the container's program runs."""
        words = [self.mapped(word) for word in command]
        return await probes.ask(words, self.variables(), self.folder, seconds)

    async def stop(self, patience: float) -> None:
        """Ask it to end, and make it end after some seconds."""
        if self._running is not None:
            await self._running.stop(patience)

    def abandon(self) -> None:
        """Make it end at once, with all it has started."""
        if self._running is not None:
            self._running.abandon()

    def words(self, image: images.Image) -> list[str]:
        """Return the program and its arguments: the container's own replace the image's."""
        command = [self.mapped(word) for word in self.container.get("command") or ()]
        arguments = [self.mapped(word) for word in self.container.get("args") or ()]
        if command:
            return [*command, *arguments]
        return image.words(arguments)

    def variables(self) -> dict[str, str]:
        """Return all variables of the process; nothing of this one's own gets through."""
        own = {
            entry["name"]: self.mapped(entry.get("value") or "")
            for entry in self.container.get("env") or ()
        }
        return {
            # What pip installed beside this Python is found first, as an image's programs are.
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "LANG": "C.UTF-8",
            "STAND_IN_HOST": loopback(self.volumes.parent.name),
            **own,
        }

    def mapped(self, text: str) -> str:
        """Return a text in which a path below a mount names the folder that stands for it.

        Nothing is mounted into a process; a path at the beginning of a word or of a value, or
        behind its first `=`, is all that containers of ours are told of volumes.
        """
        before, mark, after = text.partition("=")
        if mark and not before.startswith("/"):
            return f"{before}={self._moved(after)}"
        return self._moved(text)

    def folder_of(self, mount: Mapping[str, Any]) -> Path:
        """Return the folder that stands for a mount."""
        return self.volumes / str(mount["name"]) / str(mount.get("subPath") or "")

    def _moved(self, text: str) -> str:
        """Return a path with the deepest mount it lies below replaced, or the text as it is."""
        fitting = [
            mount
            for mount in self.container.get("volumeMounts") or ()
            if text == mount["mountPath"] or text.startswith(f"{mount['mountPath']}/")
        ]
        if not fitting:
            return text
        deepest = max(fitting, key=lambda mount: len(mount["mountPath"]))
        return str(self.folder_of(deepest)) + text[len(deepest["mountPath"]) :]

    def _end_badly(self, fault: ContainerFault) -> None:
        if fault.kind == "memory":
            self._verdict = End(KILLED, "OOMKilled")
        else:
            self._verdict = End(fault.exit_code, "Error", "made to crash")
        self.abandon()


def loopback(pod: str) -> str:
    """Return a pod's own loopback address, by its uid: the ports of pods must not meet.

    In a cluster each pod has a network of its own; here all share this machine's.
    """
    second, third, last = hashlib.sha256(pod.encode()).digest()[:3]
    return f"127.{second}.{third}.{last % 253 + 2}"


def void(_: object) -> None:
    """Return nothing, whatever something else returned."""
