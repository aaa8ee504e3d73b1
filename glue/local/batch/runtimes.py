"""Where a job's program runs: as a process of this machine, or in a container.

Processes need nothing installed; the image's name says which program stands for it. Limits of
memory and processors, users and read-only file systems hold in containers only.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from glue.errors import InputError, NotFound
from glue.local import images
from glue.local.batch.outside import Refused
from glue.local.batch.running import Running
from glue.local.batch.tasks import Ending

if TYPE_CHECKING:
    from glue.local.batch.tasks import Task


class Runtime(Protocol):
    """Something that runs tasks."""

    async def begin(self, task: Task) -> Running:
        """Start a task. Raises Refused with what ECS would say when it cannot be started."""

    def ending(self, task: Task, code: int, printed: bytes) -> Ending:
        """Return how a task ended, from the exit code and the end of the output that were seen."""


class Processes:
    """Runs a task as a process with the program that stands for its image."""

    def __init__(self, home: Path) -> None:
        self._home = home

    async def begin(self, task: Task) -> Running:
        """Start the image's program. Raises Refused when the image or the program is unknown."""
        reference = task.container["image"]
        try:
            image = images.find(reference, images.read(self._home))
        except NotFound as error:
            raise Refused(
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
                f"failed to resolve ref {reference}: {error.message}"
            ) from error
        except InputError as error:
            raise Refused(f"CannotPullContainerError: {error}") from error
        words = image.words(task.command)
        # What pip installed beside this Python is found first, as an image's own programs are.
        path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        variables = {"PATH": path, "HOME": str(task.folder), "LANG": "C.UTF-8", **task.variables}
        program = shutil.which(words[0], path=variables["PATH"]) if words else None
        if program is None:
            raise Refused(
                f'CannotStartContainerError: exec: "{words[0] if words else ""}": '
                "executable file not found in $PATH: unknown"
            )
        folder = task.folder
        return await Running.begin(
            [program, *words[1:]], {**variables, "TMPDIR": str(folder)}, folder
        )

    def ending(self, task: Task, code: int, printed: bytes) -> Ending:  # noqa: ARG002 - see above
        """Return the exit code: a program that was found was also started."""
        return Ending(code)


def choose(wanted: str | None, home: Path) -> Runtime:
    """Return the runtime that RUNTIME asks for: `process` (the default) or `container`.

    Raises InputError for another word, and when there is no container engine that answers.
    """
    if wanted in (None, "", "process"):
        return Processes(home)
    if wanted != "container":
        raise InputError("RUNTIME", f"{wanted!r} is unknown", "write process or container")
    from glue.local.batch import engines
    from glue.local.batch.containers import Containers

    return Containers(engines.find(), home)
