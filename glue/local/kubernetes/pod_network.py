"""A pod's own network: loopback, and on it the local cloud's port. There is no other way out.

As in a cluster a small container holds it, so that the others may end and start again. It needs
no image from anywhere: an empty one, with this machine's Python mounted. The port on which it
listens is handed to the stand-in, which carries every connection to the local cloud. That
works where engine and stand-in share one Linux.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from glue.errors import InputError
from glue.local.batch import engines
from glue.local.kubernetes import network_holder
from glue.local.kubernetes.containers import CannotStart

if TYPE_CHECKING:
    from glue.local.batch.engines import ContainerEngine

IMAGE = "localhost/proving-ground-empty:1"
EMPTY_ARCHIVE = bytes(1024)  # the end of a tar archive, and nothing before it
PYTHON = os.path.realpath(sys.executable)
# What that Python consists of, and what it loads. What is not on this machine is left out.
PARTS = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", sys.base_prefix)
HOLDER = Path(network_holder.__file__)
SOCKET, INSIDE = "socket", "/way"
PATIENCE_SECONDS = 30.0
CHUNK = 256 * 1024


def make_image(engine: ContainerEngine) -> None:
    """Make the empty image if it is not there. Raises InputError when that fails."""
    if engine.ask("image", "inspect", IMAGE).returncode == 0:
        return
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        archive.write(EMPTY_ARCHIVE)
        archive.flush()
        made = engine.ask("import", archive.name, IMAGE)
    if made.returncode != 0:
        raise InputError(
            "RUNTIME",
            f"{Path(engine.program).name} does not make an empty image: {made.stderr.strip()}",
            "mend it, or unset RUNTIME to run containers as processes",
        )


def python_mounts() -> list[str]:
    """Return the options that put this machine's Python into the empty image."""
    found = dict.fromkeys(path for path in PARTS if Path(path).exists())
    return [w for path in found for w in ("--volume", f"{os.path.realpath(path)}:{path}:ro")]


class PodNetwork:
    """The network of one pod; `name` is that of the container that holds it.

    `options` are further options of that container, `folder` is made for the way out.
    """

    def __init__(
        self, engine: ContainerEngine, name: str, options: list[str], folder: Path, endpoint: str
    ) -> None:
        self.engine, self.name, self.options, self.folder = engine, name, options, folder
        address = urlsplit(endpoint)
        self.host, self.port = address.hostname or "127.0.0.1", address.port or 80
        self._held: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()

    def words(self) -> list[str]:
        """Return the command that begins the container."""
        limits = [w for name, value in self.engine.ulimits for w in ("--ulimit", f"{name}={value}")]
        return [
            *self.engine.options, "run", "--detach", "--rm", *self.engine.create_options,
            "--name", self.name, *self.options, "--pull", "never",
            "--network", "none", "--read-only", "--cap-drop", "all",
            "--security-opt", "no-new-privileges", "--memory", "64m", "--memory-swap", "64m",
            "--pids-limit", "16", "--log-driver", "none", "--stop-timeout", "0", *limits,
            *python_mounts(), "--volume", f"{HOLDER}:/holder.py:ro",
            "--volume", f"{self.folder}:{INSIDE}",
            IMAGE, PYTHON, "-I", "-S", "/holder.py", str(self.port), f"{INSIDE}/{SOCKET}",
        ]  # fmt: skip

    async def begin(self) -> None:
        """Begin it. Raises CannotStart, and leaves nothing then."""
        try:
            port = await asyncio.to_thread(self._start)
        except OSError as error:
            await self.end()
            raise CannotStart(f"failed to create pod sandbox: {error}") from error
        self._server = await asyncio.start_server(self._serve, sock=port)

    async def end(self) -> None:
        """Remove the container and cut what is still carried. It may never have begun."""
        if self._server is not None:
            self._server.close()
        for carrying in self._carrying:
            carrying.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        if self._held is not None:
            self._held.close()
        await asyncio.to_thread(self.engine.ask, "rm", "--force", "--volumes", self.name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> socket.socket:
        """Begin the container and return the port inside, which it hands over.

        The connection that it comes by is kept: the holder lives as long.
        """
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)  # an engine of another user's may serve us
        with socket.socket(socket.AF_UNIX) as listener:
            _bind(listener, self.folder)
            (self.folder / SOCKET).chmod(0o666)
            listener.listen(1)
            listener.settimeout(PATIENCE_SECONDS)
            said = self.engine.ask(*self.words())
            if said.returncode != 0:
                raise OSError(said.stderr.strip())
            self._held, _ = listener.accept()
        self._held.settimeout(PATIENCE_SECONDS)
        _, descriptors, _, _ = socket.recv_fds(self._held, 1, 1)
        if not descriptors:
            raise OSError("the container that holds the network ended at once")
        return socket.socket(fileno=descriptors[0])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a server calls this in a task
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)
        out: asyncio.StreamWriter | None = None
        with contextlib.suppress(OSError, asyncio.CancelledError):
            back, out = await asyncio.open_connection(self.host, self.port)
            await asyncio.gather(_carry(reader, out), _carry(back, writer))
        for side in (writer, out):
            if side is not None:
                side.close()


def _bind(listener: socket.socket, folder: Path) -> None:
    """Bind a socket in a folder, whose path may be longer than the 107 characters of a socket's."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{descriptor}/{SOCKET}")
    finally:
        os.close(descriptor)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy one direction to its end."""
    while chunk := await source.read(CHUNK):
        target.write(chunk)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()


def labels(home: Path, pod: str) -> list[str]:
    """Return the options for the labels by which containers are found again."""
    return ["--label", f"{engines.LABEL}={home}", "--label", f"glue.local.pod={pod}"]
