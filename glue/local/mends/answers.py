"""An answer leaves in one piece.

MiniStack 1.5.33 sends the head of an answer and its body one after the other, within a
millisecond of the question. AWS is never that quick. Go's client, which Terraform's provider is
built on, may still be busy putting away the question when the head arrives; it then closes the
connection, loses the body, and asks again: a log group "already exists", an API is there twice.
Seen on the wire, 27 times in 10,000 answers on a busy machine. A body that comes with its head is
in the client's buffer before it can be lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.mends import guard

if TYPE_CHECKING:
    from pathlib import Path


def apply(_home: Path) -> None:
    """Have the server keep an answer's head until there is some of its body, or its end."""
    import h11
    from hypercorn.events import RawData
    from hypercorn.protocol.h11 import H11Protocol

    guard.expect(H11Protocol, {"_send_h11_event": "5e40283daa30", "stream_send": "56a36254a368"})

    async def send_whole(self: Any, event: Any) -> None:
        try:
            data = self.connection.send(event)
        except h11.LocalProtocolError:
            if self.connection.their_state != h11.ERROR:
                raise
            return
        kept = getattr(self, "kept_head", b"")
        if isinstance(event, h11.Response):
            self.kept_head = kept + data
            return
        self.kept_head = b""
        if whole := kept + (data or b""):
            await self.send(RawData(data=whole))

    H11Protocol._send_h11_event = send_whole  # type: ignore[method-assign]  # noqa: SLF001
