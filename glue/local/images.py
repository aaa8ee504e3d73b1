"""Which program stands for a container image when jobs and pods run as processes.

The key is the name of the image's repository, without registry, tag, digest and the prefix of
an environment: `000000000000.dkr.ecr.eu-central-1.amazonaws.com/local-denoise:7` is `denoise`.
More can be named in `images.json` of the local cloud's home folder (for pods of its folder
`kubernetes`), in the same form:
`{"denoise": {"entrypoint": ["{python}", "/path/denoise.py"], "command": ["--all"]}}`.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from glue.errors import InputError, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "images.json"
PYTHON = "{python}"  # in a command: the Python that runs the local cloud, with its packages

# registry/path:tag@digest; a registry's name has a dot or a port.
REFERENCE = re.compile(
    r"(?:(?P<registry>[^/]*[.:][^/]*|localhost)/)?(?P<repository>[^:@]+)(?::[^@]+)?(?:@.+)?"
)


class Image(NamedTuple):
    """What an image runs: the job's command, or its own, comes behind the entry point."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    def words(self, command: list[str]) -> list[str]:
        """Return the program and its arguments for a job's command, which may be empty."""
        words = [*self.entrypoint, *(command or self.command)]
        return [sys.executable if word == PYTHON else word for word in words]


AGENT = (PYTHON, "-m", "glue.local.carla.agent")

IMAGES: Mapping[str, Image] = {
    # General images: the job's command is a program of this machine.
    "alpine": Image((), ("/bin/sh",)),
    "busybox": Image((), ("sh",)),
    "debian": Image((), ("bash",)),
    "python": Image((), ("python3",)),
    # What a leaderboard's pod runs, and images of participants for tests and the demo: the last
    # two fail on a route that was recorded for every leaderboard, when some have been driven.
    "simulator": Image((PYTHON, "-m", "glue.local.carla.simulator")),
    "leaderboard": Image((PYTHON, "-m", "glue.local.carla.evaluator")),
    "logcopy": Image((PYTHON, "-m", "glue.uploader")),
    "agent": Image(AGENT),
    "agent-that-crashes": Image((*AGENT, "--crash", "3")),
    "agent-that-hangs": Image((*AGENT, "--hang", "3")),
}


def read(home: Path) -> dict[str, Image]:
    """Return all images: those of this file, and those of the home folder's `images.json`.

    Raises InputError when that file is not in the form above.
    """
    path = home / FILE
    if not path.exists():
        return dict(IMAGES)
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        own = {
            name: Image(_words(entry.get("entrypoint", [])), _words(entry.get("command", [])))
            for name, entry in held.items()
        }
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(
            FILE,
            f"{path} cannot be read: {error}",
            'write {"name": {"entrypoint": ["program"], "command": ["argument"]}}',
        ) from error
    return {**IMAGES, **own}


def find(reference: str, images: Mapping[str, Image]) -> Image:
    """Return the image that a reference names. Raises NotFound when there is none."""
    parsed = REFERENCE.fullmatch(reference)
    repository = parsed["repository"] if parsed else reference
    last = repository.rsplit("/", 1)[-1]
    if repository in images or last in images:
        return images.get(repository) or images[last]
    # Behind the prefix of an environment; of several names the longest.
    fitting = [name for name in images if last.endswith(f"-{name}")]
    if not fitting:
        raise NotFound(
            "image", f"{reference}: not found", f"name it in glue/local/images.py or {FILE}"
        )
    return images[max(fitting, key=len)]


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise TypeError(f"{value!r} is no list of words")
    return tuple(value)
