"""A connection that its client has closed is closed here too.

MiniStack 1.5.33 is served by Hypercorn, which reads a client's end and then still waits for as
long as an idle connection is kept. With its default of five seconds nobody notices; here idle
connections are kept for ten minutes, so that the server is never the first to close one, and each
client that ever came would hold a file descriptor for so long. AWS's load balancers answer an end
with an end. Many systems allow a process 1,024 descriptors, or 256.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.mends import guard

if TYPE_CHECKING:
    from pathlib import Path


def apply(_home: Path) -> None:
    """Have the server wait no longer for a client that has gone."""
    from hypercorn.asyncio.tcp_server import TCPServer

    guard.expect(TCPServer, {"run": "9437d01a916d", "_read_data": "8e7ad8f4bfca"})
    read = TCPServer._read_data  # noqa: SLF001

    async def read_to_the_end(self: Any) -> None:
        await read(self)
        await self.idle_task.stop()

    TCPServer._read_data = read_to_the_end  # type: ignore[method-assign]  # noqa: SLF001
