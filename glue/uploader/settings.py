"""What the uploader is told: folders by its arguments, everything else by its environment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*", re.ASCII)
RESULTS = "results"  # the last word of a key folder that goes first
USAGE = "usage: python -m glue.uploader KEY=FOLDER..., as in worker-1/results=/uploads/results"


class Wrong(Exception):  # noqa: N818 - reads as a finding
    """An argument or a variable cannot be used; the message says what to write."""


@dataclass(frozen=True)
class Limits:
    """What may be sent of each folder; the budget of one is no other's.

    `files` and `bytes` count what stands in S3 in the end, `entries` what is looked at at a time.
    """

    files: int = 2000
    bytes: int = 2 * 1024**3
    largest_bytes: int = 256 * 1024**2

    @property
    def entries(self) -> int:
        """How many names are looked at in one pass."""
        return 5 * self.files


@dataclass(frozen=True)
class Settings:
    """Folders by the part of the key that stands for them, the form's file, pace and limits.

    Every `period` seconds is sent what is new; the last pass takes up to `last` seconds.
    `ready_file`, if there is one, is how the container's startup probe sees that it runs.
    """

    folders: tuple[tuple[str, Path], ...]
    form_file: Path
    period: float
    last: float
    limits: Limits
    ready_file: Path | None = None


def read(arguments: Sequence[str], variables: Mapping[str, str]) -> Settings:
    """Return what the uploader is told. Raises Wrong."""
    if not arguments:
        raise Wrong(USAGE)
    folders: dict[str, Path] = {}
    for argument in arguments:
        key, mark, path = argument.partition("=")
        if not mark or not path or not _KEY.fullmatch(key):
            raise Wrong(f"{argument!r}: {USAGE}")
        if key in folders:
            raise Wrong(f"{key}: it is there twice; write each key folder once")
        if not Path(path).is_dir():
            raise Wrong(f"{key}: {path} is no folder; name one that is mounted")
        folders[key] = Path(path)
    if not variables.get("FORM_FILE"):
        raise Wrong("FORM_FILE: write the path of the file with the form")
    return Settings(
        folders=tuple(folders.items()),
        form_file=Path(variables["FORM_FILE"]),
        ready_file=Path(variables["READY_FILE"]) if variables.get("READY_FILE") else None,
        period=_whole(variables, "PERIOD_SECONDS", 30),
        last=_whole(variables, "LAST_SECONDS", 240),
        limits=Limits(
            files=_whole(variables, "MOST_FILES", Limits.files),
            bytes=_whole(variables, "MOST_BYTES", Limits.bytes),
            largest_bytes=_whole(variables, "LARGEST_FILE_BYTES", Limits.largest_bytes),
        ),
    )


def _whole(variables: Mapping[str, str], name: str, default: int) -> int:
    text = variables.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII) or int(text) < 1:
        raise Wrong(f"{name}: {text!r}: write a whole number of 1 or more")
    return int(text)
