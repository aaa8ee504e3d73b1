"""How far a transfer is: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

LINE_EVERY = 5.0  # seconds between plain lines
MOVE_EVERY = 0.1  # seconds between two moves of the bar
KILO = 1000
SECONDS = MINUTES = 60


class Progress(Protocol):
    """Hears what happens during a transfer; its methods may be called by any thread."""

    def begin(self, what: str, total: int) -> None:
        """Begin with `what`, which has `total` bytes."""

    def hashed(self, count: int) -> None:
        """Count bytes that have been read and hashed."""

    def moved(self, count: int) -> None:
        """Count bytes that have gone over the network; negative when they must go again."""

    def end(self, outcome: str) -> None:
        """End with what was begun."""

    def say(self, line: str) -> None:
        """Show a line of its own."""


def show_bytes(count: float) -> str:
    """Return a number of bytes as people write it, such as 1.5 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < KILO:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= KILO
    return f"{count:.1f} TB"


def show_seconds(seconds: float) -> str:
    """Return a duration as people write it, such as 2 min 05 s."""
    if seconds < SECONDS:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), SECONDS)
    if minutes < MINUTES:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, MINUTES)
    return f"{hours} h {minutes:02d} min"


class Silent:
    """Shows nothing."""

    def begin(self, what: str, total: int) -> None:
        """Show nothing."""

    def hashed(self, count: int) -> None:
        """Show nothing."""

    def moved(self, count: int) -> None:
        """Show nothing."""

    def end(self, outcome: str) -> None:
        """Show nothing."""

    def say(self, line: str) -> None:
        """Show nothing."""


class Lines:
    """Plain lines, at most one every few seconds: for logs and pipes."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()
        self._what = ""
        self._total = self._moved = self._hashed = 0
        self._began = self._shown = 0.0

    def begin(self, what: str, total: int) -> None:
        """Begin with `what`, which has `total` bytes."""
        with self._lock:
            self._what, self._total = what, total
            self._moved = self._hashed = 0
            self._began = self._shown = self._clock()
        self.say(f"{what}: {show_bytes(total)}")

    def hashed(self, count: int) -> None:
        """Count bytes that have been read and hashed."""
        self._count(0, count)

    def moved(self, count: int) -> None:
        """Count bytes that have gone over the network."""
        self._count(count, 0)

    def _count(self, moved: int, hashed: int) -> None:
        with self._lock:
            self._moved += moved
            self._hashed += hashed
            now = self._clock()
            if now - self._shown < LINE_EVERY:
                return
            self._shown = now
            rate = self._moved / max(now - self._began, 0.001)
            left = show_seconds((self._total - self._moved) / rate) if rate > 0 else "?"
            line = (
                f"{self._what}: {show_bytes(self._moved)} of {show_bytes(self._total)}, "
                f"{show_bytes(rate)}/s, {left} left"
                if self._moved > 0
                else f"{self._what}: {show_bytes(self._hashed)} of {show_bytes(self._total)} read"
            )
        self.say(line)

    def end(self, outcome: str) -> None:
        """End with what was begun."""
        took = show_seconds(self._clock() - self._began)
        self.say(f"{self._what}: {outcome} ({took})")

    def say(self, line: str) -> None:
        """Show a line."""
        print(line, file=self._stream, flush=True)


class Bar:
    """A bar with rate and time left."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        self._console = Console(file=stream)
        self._bar: Any = None
        self._task: Any = None
        self._lock = threading.Lock()
        self._pending = 0
        self._what = ""
        self._began = self._shown = 0.0

    def begin(self, what: str, total: int) -> None:
        """Begin with `what`, which has `total` bytes."""
        from rich import progress

        self._what = what
        self._began = time.monotonic()
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
            refresh_per_second=5,
        )
        self._bar.start()
        self._task = self._bar.add_task(what, total=total)

    def hashed(self, count: int) -> None:
        """Do nothing: reading is much faster than sending."""

    def moved(self, count: int) -> None:
        """Move the bar; not for every block, since each move costs more than sending one."""
        with self._lock:
            self._pending += count
            now = time.monotonic()
            if now - self._shown < MOVE_EVERY or self._bar is None:
                return
            self._shown = now
            count, self._pending = self._pending, 0
            self._bar.advance(self._task, count)

    def end(self, outcome: str) -> None:
        """Take the bar away and leave a line in its place."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        took = show_seconds(time.monotonic() - self._began)
        self.say(f"{self._what}: {outcome} ({took})")

    def say(self, line: str) -> None:
        """Show a line above the bar."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def progress_for(stream: TextIO | None = None, quiet: bool = False) -> Progress:
    """Return what suits the stream (standard error unless told otherwise)."""
    target = stream or sys.stderr
    if quiet:
        return Silent()
    return Bar(target) if target.isatty() else Lines(target)
