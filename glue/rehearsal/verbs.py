"""Running the real `glue` verbs, each in a process of its own, and ending them when asked."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glue.rehearsal.accounts import Account

PATIENCE_SECONDS = 1200.0
GRACE_SECONDS = 10.0
SHOWN_LINES = 25
# A verb that is called wrongly ends with 2 as well, which elsewhere means that something was found.
MISUSED = "Usage: "


class RehearsalError(InputError):
    """Something is not as the rehearsal expects it. `log` is the file that says more, if any."""

    def __init__(self, step: str, message: str, remedy: str, log: str | None = None) -> None:
        super().__init__(step, message, remedy, "rehearsal")
        self.log = log


@dataclass(frozen=True)
class Outcome:
    """A verb that has ended: its exit code, what it printed, and how long it took in seconds."""

    environment: str
    command: str
    code: int
    out: str
    err: str
    seconds: float
    log: Path

    def to_dict(self) -> dict[str, Any]:
        """Return what a report says of it."""
        return {
            "environment": self.environment,
            "command": self.command,
            "code": self.code,
            "seconds": round(self.seconds, 1),
            "log": str(self.log),
        }

    def end(self) -> str:
        """Return the last lines of what it printed: of its errors if there are any."""
        text = self.err.strip() or self.out.strip() or "it printed nothing"
        return "\n".join(text.splitlines()[-SHOWN_LINES:])


class Verbs:
    """Runs verbs in the repository; keeps the output of each in a file under `logs`.

    `on_end` is told of every verb that has ended. Verbs may run in several threads at once.
    """

    def __init__(
        self, repository: Path, logs: Path, on_end: Callable[[Outcome], None] | None = None
    ) -> None:
        self._repository = repository
        self._logs = logs
        self._on_end = on_end
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._count = 0
        self._is_over = False

    def run(
        self, account: Account, *arguments: str, expected: tuple[int, ...] = (0,), typed: str = ""
    ) -> Outcome:
        """Run `glue ARGUMENTS` as somebody of an account would and return what became of it.

        `typed` is what the verb reads from its standard input. Raises RehearsalError when it ends
        with another code than the expected ones, or does not end within twenty minutes.
        """
        outcome = self._finish(account, arguments, typed)
        if self._on_end is not None:
            self._on_end(outcome)
        if outcome.code not in expected or outcome.err.startswith(MISUSED):
            wanted = " or ".join(map(str, expected))
            raise RehearsalError(
                f"{outcome.environment}: {outcome.command}",
                f"it ended with {outcome.code}, expected {wanted}\n{outcome.end()}",
                f"read all of it in {outcome.log}",
                str(outcome.log),
            )
        return outcome

    def stop(self) -> None:
        """End every verb that still runs, with all that it started; none is begun afterwards."""
        with self._lock:
            self._is_over = True
            running = list(self._running)
        for process in running:
            _signal_group(process, signal.SIGINT)
        deadline = time.monotonic() + GRACE_SECONDS
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0.1))
            _signal_group(process, signal.SIGKILL)

    def _finish(self, account: Account, arguments: tuple[str, ...], typed: str) -> Outcome:
        command = " ".join(("glue", *arguments))
        began = time.monotonic()
        with self._lock:
            if self._is_over:
                raise RehearsalError(command, "the rehearsal was ended", "run it again")
            self._count += 1
            words = [word for word in arguments[:2] if word.isalpha()]
            name = "-".join((f"{self._count:02}", account.environment, *words))
            self._logs.mkdir(parents=True, exist_ok=True)
            out, err = self._logs / f"{name}.out", self._logs / f"{name}.err"
            with out.open("wb") as standard, err.open("wb") as errors:
                process = subprocess.Popen(
                    [sys.executable, "-m", "glue.cli.main", *arguments],
                    cwd=self._repository,
                    env=account.variables(),
                    stdin=subprocess.PIPE if typed else subprocess.DEVNULL,
                    stdout=standard,
                    stderr=errors,
                    # A group of its own, so that Terraform and its providers end with it.
                    start_new_session=True,
                )
            self._running.add(process)
        if process.stdin is not None:
            # One that ended without reading says so by its code.
            with contextlib.suppress(BrokenPipeError), process.stdin as stream:
                stream.write(typed.encode())
        try:
            code = process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            _signal_group(process, signal.SIGKILL)
            process.wait()
            raise RehearsalError(
                f"{account.environment}: {command}",
                f"it did not end within {PATIENCE_SECONDS / 60:.0f} minutes",
                f"read {err}",
                str(err),
            ) from None
        finally:
            with self._lock:
                self._running.discard(process)
        printed = out.read_text("utf-8", "replace")
        wrong = err.read_text("utf-8", "replace")
        seconds = time.monotonic() - began
        # The verbs say what is wrong on standard error; their results are on the other.
        log = err if wrong.strip() else out
        return Outcome(account.environment, command, code, printed, wrong, seconds, log)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a process and to all that it started; nothing if they are gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
