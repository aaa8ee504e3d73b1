"""Looking through a folder whose owner may be hostile, and opening what stands in it.

Every step goes from a folder that is open to a name in it, and never through a symbolic link: a
folder that is swapped for a link between the look and the opening leads nowhere. What is opened
is looked at again, since only then it cannot be another thing any more.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 16  # folders below each other
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A named pipe that nobody writes to would block without O_NONBLOCK; for files it means nothing.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

SYMBOLIC_LINK = "a symbolic link"
HARD_LINK = "a hard link"
NO_FILE = "neither a file nor a folder"
MOUNT = "on another file system"
NAME = "a name that S3 or a reader could misunderstand"
DEEP = f"more than {DEEPEST} folders deep"
UNREADABLE = "cannot be read"
TOO_MANY_ENTRIES = "behind more entries than are looked at"


class Refused(Exception):  # noqa: N818 - reads as a finding
    """Something is not sent; the message says why."""


class Signature(NamedTuple):
    """What changes when a file does. Nobody can set `changed`; all times are nanoseconds."""

    inode: int
    size: int
    modified: int
    changed: int


@dataclass(frozen=True)
class Entry:
    """Something in a folder: a file, or what is left out and why.

    `path` begins below the folder walked. `directory` is open until the next entry is asked for.
    """

    path: str
    directory: int = -1
    device: int = 0
    signature: Signature | None = None
    refusal: str = ""

    def open(self) -> tuple[int, Signature]:
        """Return the file, open for reading, and what it is like. Raises Refused."""
        try:
            opened = os.open(self.path.rpartition("/")[2], _FILE, dir_fd=self.directory)
        except OSError:
            raise Refused(UNREADABLE) from None
        try:
            return opened, look(os.fstat(opened), self.device)
        except Refused:
            os.close(opened)
            raise


def look(found: os.stat_result, device: int) -> Signature:
    """Return what a file is like. Raises Refused when it is no plain file of that device."""
    if stat.S_ISLNK(found.st_mode):
        raise Refused(SYMBOLIC_LINK)
    if not stat.S_ISREG(found.st_mode):
        raise Refused(NO_FILE)
    if found.st_dev != device:
        raise Refused(MOUNT)
    if found.st_nlink > 1:  # its other name may be anybody's
        raise Refused(HARD_LINK)
    return Signature(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def walk(folder: str, most_entries: int) -> Iterator[Entry]:
    """Yield what is in a folder and below it, looking at no more than so many entries.

    Memory does not grow with what is there. Raises OSError when the folder itself is not there.
    """
    root = os.open(folder, _FOLDER)
    try:
        yield from _Walk(os.fstat(root).st_dev, most_entries).below(root, "", 0)
    finally:
        os.close(root)


class _Walk:
    def __init__(self, device: int, most_entries: int) -> None:
        self.device, self.left, self.skipped = device, most_entries, most_entries

    def below(self, directory: int, path: str, depth: int) -> Iterator[Entry]:
        # Files before folders, so that a flood in a folder hides nothing that stands above it.
        for is_folder in (False, True):
            try:
                entries = os.scandir(directory)
            except OSError:
                yield Entry(path, refusal=UNREADABLE)
                return
            with entries:
                for entry in entries:
                    is_skipped = entry.is_dir(follow_symlinks=False) is not is_folder
                    if (self.skipped if is_skipped else self.left) <= 0:
                        yield Entry(f"{path}{entry.name}", refusal=TOO_MANY_ENTRIES)
                        return
                    if is_skipped:
                        self.skipped -= 1
                        continue
                    self.left -= 1
                    yield from self._entry(directory, f"{path}{entry.name}", entry.name, depth)

    def _entry(self, directory: int, path: str, name: str, depth: int) -> Iterator[Entry]:
        # Neither control characters, nor bytes that are no UTF-8, nor text that turns around;
        # and S3 puts another text in the place of `${filename}`.
        if not name.isprintable() or "${" in name:
            yield Entry(path, refusal=NAME)
            return
        try:
            found = os.stat(name, dir_fd=directory, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                yield from self._folder(directory, path, name, depth + 1)
            else:
                yield Entry(path, directory, self.device, look(found, self.device))
        except Refused as refused:
            yield Entry(path, refusal=str(refused))
        except FileNotFoundError:
            pass  # it was there a moment ago
        except OSError:
            yield Entry(path, refusal=UNREADABLE)

    def _folder(self, parent: int, path: str, name: str, depth: int) -> Iterator[Entry]:
        if depth > DEEPEST:
            raise Refused(DEEP)
        directory = os.open(name, _FOLDER, dir_fd=parent)
        try:
            if os.fstat(directory).st_dev != self.device:
                raise Refused(MOUNT)
            yield from self.below(directory, f"{path}/", depth)
        finally:
            os.close(directory)
