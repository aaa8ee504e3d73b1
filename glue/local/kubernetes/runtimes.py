"""What runs a pod's containers: processes of this machine, or a container engine.

Processes need nothing installed; the image's name says which program stands for it. Users,
capabilities, limits, read-only roots and a network of the pod's own hold in containers only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from glue.errors import InputError
from glue.local.kubernetes.containers import Process, pull

if TYPE_CHECKING:
    from pathlib import Path

    from glue.local.images import Image

Object = dict[str, Any]

WORDS = ("process", "container")


class Sandbox(Protocol):
    """What a runtime has of one pod."""

    async def begin(self) -> None:
        """Make what the pod's containers share. Raises CannotStart; it may be tried again."""

    async def pull(self, container: Object, *, is_out_of_reach: bool) -> Image:
        """Return what a container's image runs. Raises CannotPull."""

    def container(self, container: Object, log: Path) -> Process:
        """Return a container that has not begun; what it prints goes into a file."""

    async def end(self) -> None:
        """Leave nothing of what the containers shared."""


class Runtime(Protocol):
    """Something that runs the containers of pods."""

    @property
    def keeps_users_apart(self) -> bool:
        """Whether containers have users of their own, so that volumes belong to a group."""

    def sandbox(self, pod: Object, folder: Path) -> Sandbox:
        """Return what there is to be of a pod, whose volumes are in a folder's `volumes`."""


class Processes:
    """Runs containers as processes; `images` is the folder with images.json."""

    keeps_users_apart = False

    def __init__(self, images: Path) -> None:
        self.images = images

    def sandbox(self, pod: Object, folder: Path) -> ProcessSandbox:  # noqa: ARG002 - see Runtime
        """Return a pod of processes."""
        return ProcessSandbox(self.images, folder)


class ProcessSandbox:
    """A pod of processes, which share this machine and nothing else."""

    def __init__(self, images: Path, folder: Path) -> None:
        self.images, self.folder = images, folder

    async def begin(self) -> None:
        """Do nothing."""

    async def pull(self, container: Object, *, is_out_of_reach: bool) -> Image:
        """Return the program that stands for the image. Raises CannotPull."""
        return pull(container["image"], self.images, is_out_of_reach=is_out_of_reach)

    def container(self, container: Object, log: Path) -> Process:
        """Return a process in a folder of its own."""
        place = self.folder / "containers" / container["name"]
        return Process(container, place, self.folder / "volumes", log)

    async def end(self) -> None:
        """Do nothing."""


def choose(wanted: str, home: Path, images: Path, endpoint: str) -> Runtime:
    """Return the runtime of a name; `endpoint` is what containers reach of this machine.

    Raises InputError for another name, and when there is no container engine that answers.
    """
    if wanted == "process":
        return Processes(images)
    if wanted != "container":
        raise InputError("RUNTIME", f"{wanted!r} is unknown", f"write {' or '.join(WORDS)}")
    from glue.local.batch import engines
    from glue.local.kubernetes.engine_pods import EnginePods

    return EnginePods(engines.find(), home, endpoint)
