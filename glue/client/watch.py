"""The log shipper: waits until a folder is quiet, ships it, and goes on."""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glue.errors import InputError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from glue.client.ship import Shipped, Shipper

RETRY_EVERY = 300.0  # seconds until a folder is tried again that failed for want of a network


@dataclass(slots=True)
class _Seen:
    """A folder's files when it was last looked at, and since when they have been so."""

    fingerprint: str
    since: float
    not_before: float = 0.0


def fingerprint(folder: Path, address: str) -> str:
    """Return a text that changes when a file comes, goes, grows or is written to.

    `address` stands for where the folder is shipped to: what is done for one platform is not
    done for another.
    """
    digest = hashlib.sha256(address.encode())
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            facts = entry.stat(follow_symlinks=False)
            line = f"\0{entry.name}\0{facts.st_size}\0{facts.st_mtime_ns}\0{facts.st_ino}"
            digest.update(os.fsencode(line))
    return digest.hexdigest()


class Watcher:
    """Ships each sub folder of a folder once it has been quiet for `quiet` seconds.

    Quiet means: seen unchanged for that long. The files' own times say nothing, since copying
    programs set them back.
    """

    def __init__(
        self,
        root: Path,
        shipper: Shipper,
        quiet: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not root.is_dir():
            raise InputError(
                str(root), "it is not a folder", "name the folder the rig writes recordings into"
            )
        if not quiet >= 0:
            raise InputError("quiet", f"{quiet} is no waiting time", "use 0 seconds or more")
        self._root = root.resolve()
        self._shipper = shipper
        self._quiet = quiet
        self._clock = clock
        self._seen: dict[Path, _Seen] = {}
        self.shipped: deque[Shipped] = deque(maxlen=1000)  # a watcher may run for years

    def run(self, stop: threading.Event, forever: bool = True) -> list[Shipped]:
        """Watch until `stop` is set, or with `forever` unset until nothing is waiting.

        Return what was shipped.
        """
        pause = min(max(self._quiet / 4, 0.05), 5.0)
        while not stop.is_set():
            self.look()
            if not forever and not self._waiting():
                break
            stop.wait(pause)
        return list(self.shipped)

    def look(self) -> None:
        """Look once at every sub folder, and ship those that have become quiet."""
        for folder in self._folders():
            if self._ready(folder):
                result = self._shipper.ship(folder)
                self.shipped.append(result)
                self._settle(folder, result)

    def _folders(self) -> list[Path]:
        try:
            with os.scandir(self._root) as entries:
                found = sorted(
                    Path(entry.path)
                    for entry in entries
                    if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
                )
        except OSError as error:  # a network drive may be away for a while
            self._shipper.progress.say(f"warning: {self._root} cannot be read: {error}")
            return []
        self._seen = {folder: seen for folder, seen in self._seen.items() if folder in found}
        return found

    def _ready(self, folder: Path) -> bool:
        try:
            now = fingerprint(folder, self._shipper.address)
        except OSError:
            return False  # something is being renamed in it: it is not quiet
        seen = self._seen.get(folder)
        if seen is None or seen.fingerprint != now:
            self._seen[folder] = seen = _Seen(now, self._clock())
        time_has_come = self._clock() >= max(seen.since + self._quiet, seen.not_before)
        return time_has_come and self._shipper.journal.settled(folder, now) is None

    def _settle(self, folder: Path, result: Shipped) -> None:
        seen = self._seen[folder]
        if result.temporary or result.state == "planned":
            seen.not_before = self._clock() + RETRY_EVERY
            return
        # A failure for good is remembered too: only a change of the folder can mend it.
        self._shipper.journal.settle(folder, seen.fingerprint, result.state, result.reason)

    def _waiting(self) -> bool:
        return any(
            self._shipper.journal.settled(folder, seen.fingerprint) is None and not seen.not_before
            for folder, seen in self._seen.items()
        )
