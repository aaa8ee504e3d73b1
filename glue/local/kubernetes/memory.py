"""The file that outlives a restart: each object a row, so that a change costs one row."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from glue.local.kubernetes.store import Store

VERSION = "version"
SCHEMA = "CREATE TABLE IF NOT EXISTS objects (uid TEXT NOT NULL UNIQUE, content TEXT NOT NULL)"
# The row of an object that is replaced keeps its place: Jobs wait in the order they came in.
PUT = "INSERT INTO objects VALUES (?, ?) ON CONFLICT (uid) DO UPDATE SET content = excluded.content"


class Memory:
    """A store's file. Whoever ends this process ends nothing that was written before."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)  # it holds Secrets
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        # It has to survive this process, not this machine.
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute(SCHEMA)

    def load(self, store: Store) -> None:
        """Fill an empty store with what was written last."""
        rows = self._connection.execute("SELECT uid, content FROM objects ORDER BY rowid")
        held = {uid: json.loads(content) for uid, content in rows}
        store.take_up((o for uid, o in held.items() if uid != VERSION), held.get(VERSION, 0))

    def save(self, store: Store) -> None:
        """Write down what has changed since the last time."""
        if not store.changed:
            return
        changed, store.changed = store.changed, {}
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "DELETE FROM objects WHERE uid = ?",
            [(uid,) for uid, found in changed.items() if found is None],
        )
        self._connection.executemany(
            PUT,
            [
                *((uid, json.dumps(found)) for uid, found in changed.items() if found is not None),
                (VERSION, str(store.version)),
            ],
        )
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
