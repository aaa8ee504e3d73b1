"""What a shipper remembers on disk, so that a restart neither hashes nor sends anything again.

Which parts have arrived is asked of the server, which cannot be wrong about it; the journal spares
the reading of files that have not changed, remembers which recordings are done, and keeps two
shippers off one folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from glue.errors import Conflict, InputError
from glue.recordings.manifest import FileEntry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from glue.client.scan import LocalFile

_TABLES = """
CREATE TABLE IF NOT EXISTS file (
  folder TEXT NOT NULL, name TEXT NOT NULL,
  size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
  sha256 TEXT NOT NULL, part_size INTEGER NOT NULL, parts TEXT NOT NULL,
  PRIMARY KEY (folder, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recording (
  folder TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, state TEXT NOT NULL, reason TEXT,
  at REAL NOT NULL
) WITHOUT ROWID;
"""


def default_path() -> Path:
    """Return where the journal lies: PROVING_GROUND_JOURNAL, or the user's state folder."""
    if chosen := os.environ.get("PROVING_GROUND_JOURNAL"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "proving-ground" / "journal.sqlite"


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # A power cut may lose the last entries; they are only a memory of what the server knows.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_TABLES)
    except BaseException:
        connection.close()
        raise
    return connection


class Journal:
    """The journal file; may be shared by threads and by processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._database = _connect(path)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                # Not a database any more. It is only a memory: put it aside and start afresh.
                for suffix in ("", "-wal", "-shm"):
                    old = Path(f"{path}{suffix}")
                    if old.exists():
                        old.replace(f"{path}.broken{suffix}")
                self._database = _connect(path)
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                "journal",
                f"{path} cannot be used: {error}",
                "set PROVING_GROUND_JOURNAL to a file in a folder that this user may write to",
            ) from error
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; everything has been written already."""
        with self._lock:
            self._database.close()

    def _run(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    @contextmanager
    def hold(self, folder: Path) -> Iterator[None]:
        """Hold a folder for this process; raise `Conflict` when another one is shipping it.

        The system lets go of it when the process ends, however it ends.
        """
        locks = self.path.parent / "locks"
        locks.mkdir(exist_ok=True)
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
        with (locks / name).open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                holder = file.read(20).strip() or "?"
                raise Conflict(
                    str(folder),
                    f"another shipper (process {holder}) is at work on this folder",
                    "let it finish, or end it first",
                    "busy",
                ) from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def digests(self, folder: Path, local: LocalFile, part_size: int) -> FileEntry | None:
        """Return what is known of a file, when it has not changed since it was hashed."""
        rows = self._run(
            "SELECT sha256, parts FROM file WHERE folder = ? AND name = ? AND size = ? "
            "AND mtime_ns = ? AND inode = ? AND part_size = ?",
            str(folder), local.name, local.size, local.mtime_ns, local.inode, part_size,
        )  # fmt: skip
        if not rows:
            return None
        sha256, parts = rows[0]
        return FileEntry(
            name=local.name,
            size=local.size,
            sha256=str(sha256),
            part_size=part_size,
            parts=tuple(json.loads(str(parts))),
        )

    def keep_digests(self, folder: Path, local: LocalFile, entry: FileEntry) -> None:
        """Remember the digests of a file, in place of older ones."""
        self._run(
            "INSERT OR REPLACE INTO file (folder, name, size, mtime_ns, inode, sha256, part_size, "
            "parts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            str(folder), local.name, local.size, local.mtime_ns, local.inode, entry.sha256,
            entry.part_size, json.dumps(entry.parts),
        )  # fmt: skip

    def forget(self, folder: Path, name: str) -> None:
        """Forget a file: its digests have turned out to be wrong."""
        self._run("DELETE FROM file WHERE folder = ? AND name = ?", str(folder), name)

    def settle(self, folder: Path, fingerprint: str, state: str, reason: str | None = None) -> None:
        """Remember how the shipping of a folder ended, `fingerprint` being its files then."""
        self._run(
            "INSERT OR REPLACE INTO recording VALUES (?, ?, ?, ?, ?)",
            str(folder), fingerprint, state, reason, time.time(),
        )  # fmt: skip

    def settled(self, folder: Path, fingerprint: str) -> str | None:
        """Return how the shipping of a folder with just these files ended, or None."""
        rows = self._run(
            "SELECT state FROM recording WHERE folder = ? AND fingerprint = ?",
            str(folder), fingerprint,
        )  # fmt: skip
        return str(rows[0][0]) if rows else None

    def record_failure(self, recording: str, folder: Path, reason: str) -> Path:
        """Append a failure for good to the file beside the journal, and return that file."""
        path = self.path.with_name("failures.jsonl")
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "recording": recording,
            "folder": str(folder),
            "reason": reason,
        }
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return path
