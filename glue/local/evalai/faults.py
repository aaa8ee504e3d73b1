"""Faults that the stand-in was asked for: which of them a call meets, and what it does to it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glue.local.evalai.store import Store


def meet(store: Store, method: str, path: str) -> dict[str, Any] | None:
    """Return the first fault that a call meets, used up by one; None if it meets none."""
    with store.change():
        for key, fault in store.all("fault").items():
            if fault["method"] not in (None, method) or fault["path"] not in path:
                continue
            if fault["times"] == 1:
                store.forget("fault", key)
            elif fault["times"] is not None:
                store.put("fault", key, fault | {"times": fault["times"] - 1})
            return fault
    return None


def drop(environ: dict[str, Any]) -> None:
    """End a call's connection without an answer. Always raises ConnectionResetError."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("the stand-in was asked not to answer")
