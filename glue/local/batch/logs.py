"""A task's output in CloudWatch Logs, as the awslogs driver puts it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.local.batch.names import Scope
    from glue.local.batch.outside import Outside
    from glue.local.batch.store import Resource

DEFAULT_GROUP = "/aws/batch/job"
LONGEST_LINE = 256 * 1024
DRIVER = "awslogs"


def place(container: Resource, definition: str, task: str) -> tuple[str, str, bool] | None:
    """Return log group, log stream and whether to make the group; None for another driver.

    `definition` is the name of the job definition, `task` the id of the task.
    """
    configuration = container.get("logConfiguration") or {"logDriver": DRIVER}
    if configuration.get("logDriver") != DRIVER:
        return None
    options = configuration.get("options") or {}
    group = options.get("awslogs-group") or DEFAULT_GROUP
    prefix = options.get("awslogs-stream-prefix") or definition
    made = options.get("awslogs-create-group") == "true" or group == DEFAULT_GROUP
    return group, f"{prefix}/default/{task}", made


class TaskLog:
    """Turns what a program prints into log events, one for each line."""

    def __init__(
        self, outside: Outside, scope: Scope, where: tuple[str, str], clock: Callable[[], int]
    ) -> None:
        self._outside, self._scope, self._where, self._clock = outside, scope, where, clock
        self._rest = b""

    def write(self, chunk: bytes) -> None:
        """Take some output; what follows its last line break waits for more."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        while len(self._rest) > LONGEST_LINE:
            lines.append(self._rest[:LONGEST_LINE])
            self._rest = self._rest[LONGEST_LINE:]
        self._send(lines)

    def close(self) -> None:
        """Write what has no line break at its end."""
        self._send([self._rest])
        self._rest = b""

    def _send(self, lines: list[bytes]) -> None:
        texts = [line.rstrip(b"\r").decode(errors="replace") for line in lines]
        now = self._clock()
        # CloudWatch Logs takes no empty events.
        if events := [(now, text) for text in texts if text]:
            self._outside.write_log(self._scope, *self._where, events)
