"""The stand-in's memory: JSON documents in one SQLite file, so that a restart forgets nothing."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, key INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (caller TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS calls_of_a_caller ON calls (caller, at);
"""


class Store:
    """Documents by kind and number, and the times of each caller's calls."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # it holds tokens
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Make what is done inside one change, alone and all or nothing; changes do not nest."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def get(self, kind: str, key: int) -> dict[str, Any] | None:
        """Return a document, or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT content FROM documents WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, kind: str, key: int, document: dict[str, Any]) -> None:
        """Store a document in place of the one before it."""
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)",
                (kind, key, json.dumps(document)),
            )

    def add(self, kind: str, document: dict[str, Any]) -> int:
        """Store a document under the next number, and return that number."""
        with self._lock:
            (last,) = self._connection.execute(
                "SELECT coalesce(max(key), 0) FROM documents WHERE kind = ?", (kind,)
            ).fetchone()
            self.put(kind, last + 1, document)
        return int(last) + 1

    def all(self, kind: str) -> dict[int, dict[str, Any]]:
        """Return all documents of a kind by number, in order."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT key, content FROM documents WHERE kind = ? ORDER BY key", (kind,)
            ).fetchall()
        return {key: json.loads(content) for key, content in rows}

    def forget(self, kind: str, key: int | None = None) -> None:
        """Remove a document, or all of a kind."""
        with self._lock:
            self._connection.execute(
                "DELETE FROM documents WHERE kind = ? AND (? IS NULL OR key = ?)", (kind, key, key)
            )

    def calls_since(self, caller: str, since: float) -> list[float]:
        """Return the times of a caller's calls after a moment, oldest first; drop older ones."""
        with self._lock:
            self._connection.execute(
                "DELETE FROM calls WHERE caller = ? AND at <= ?", (caller, since)
            )
            rows = self._connection.execute(
                "SELECT at FROM calls WHERE caller = ? ORDER BY at", (caller,)
            ).fetchall()
        return [at for (at,) in rows]

    def forget_calls(self) -> None:
        """Forget everybody's calls."""
        with self._lock:
            self._connection.execute("DELETE FROM calls")

    def add_call(self, caller: str, at: float) -> None:
        """Write down a call."""
        with self._lock:
            self._connection.execute("INSERT INTO calls VALUES (?, ?)", (caller, at))
