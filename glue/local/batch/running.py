"""A program under our supervisor: what it prints, how it is stopped, its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SUPERVISOR = Path(__file__).with_name("supervisor.py")
CHUNK = 64 * 1024
LONGEST_LINE = 256 * 1024  # bytes, as a log event's


class Running:
    """One program that runs. Make it with `begin`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def begin(
        cls,
        words: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        ask: Sequence[str] = (),
        after: Sequence[Sequence[str]] = (),
    ) -> Running:
        """Start a program in a folder, with these variables and no others.

        `ask` and `after` are for a container engine's client, whose container lives elsewhere.
        The one asks it to end. The others are run at its end, however that came about; what they
        print is in the folder's file `supervisor.AFTER`. Its two outputs come apart then.
        """
        commands = [*((("--ask", ask),) if ask else ()), *(("--after", each) for each in after)]
        options = [word for kind, command in commands for word in (kind, *command, "--")]
        process = await asyncio.create_subprocess_exec(
            # Isolated and without packages: it starts in a few milliseconds.
            *(sys.executable, "-I", "-S", str(SUPERVISOR), str(folder), *options, *words),
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE if after else asyncio.subprocess.STDOUT,
        )
        return cls(process)

    async def follow(self, write: Callable[[bytes], None]) -> int:
        """Hand on what it prints until it ends; return its exit code.

        Of two outputs that come apart whole lines are handed on, so that none is torn.
        """
        outputs = [o for o in (self._process.stdout, self._process.stderr) if o is not None]
        await asyncio.gather(*(_hand_on(each, write, len(outputs) > 1) for each in outputs))
        return await self._process.wait()

    async def stop(self, patience: float) -> None:
        """Ask it to end, and kill it if it has not after some seconds."""
        self._say(b"term\n")
        try:
            await asyncio.wait_for(self._process.wait(), patience)
        except TimeoutError:
            self._say(b"kill\n")

    def abandon(self) -> None:
        """Kill it; closing the supervisor's input is enough."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _say(self, word: bytes) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(ConnectionError, RuntimeError):
                self._process.stdin.write(word)


async def _hand_on(
    output: asyncio.StreamReader, write: Callable[[bytes], None], by_lines: bool
) -> None:
    rest = b""
    while chunk := await output.read(CHUNK):
        cut = len(chunk)
        if by_lines:
            chunk = rest + chunk
            # A line that is longer than anything else is torn after all.
            cut = chunk.rfind(b"\n") + 1 or (len(chunk) if len(chunk) > LONGEST_LINE else 0)
        rest = chunk[cut:]
        if cut:
            write(chunk[:cut])
    if rest:
        write(rest + b"\n")
