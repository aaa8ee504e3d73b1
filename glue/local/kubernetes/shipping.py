"""What containers print, to CloudWatch Logs, as Fluent Bit brings it there from every node.

A pod's label `log-group` names the group, a stream is `<namespace>.<pod>.<container>`, and no
group is ever made (kubernetes/base/fluent-bit). The containers' own files are read, so that no
pod waits for CloudWatch; what it does not take is tried again for a while and then left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from glue.local.kubernetes.security import containers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Object = dict[str, Any]
Line = tuple[int, str]  # when it was read, in milliseconds since 1970, and what it says

logger = logging.getLogger("glue.local.kubernetes")

LABEL = "log-group"
PERIOD_SECONDS = 1.0
# What CloudWatch Logs takes at once.
MOST_EVENTS, MOST_BYTES, EVENT_BYTES = 10_000, 1024 * 1024, 26
LONGEST_LINE = 200 * 1024
READ_BYTES = 4 * 1024 * 1024  # of one container in one round
MOST_LINES = 50_000  # that wait for one stream; beyond, the oldest are left out
MOST_TRIES, LONGEST_PAUSE_SECONDS = 10, 60.0
ABSENT = "ResourceNotFoundException"
EXISTS = "ResourceAlreadyExistsException"


@dataclass
class Stream:
    """What one container prints, and what of it waits to be sent."""

    group: str
    name: str
    path: Path
    is_open: bool = True
    is_made: bool = False
    offset: int = 0
    rest: bytes = b""
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    tries: int = 0
    next_try: float = 0.0

    def read(self, now: int) -> None:
        """Take what was printed since the last time."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                more = file.read(READ_BYTES)
        except OSError:  # it has not begun, or its pod is gone
            more = b""
        self.offset += len(more)
        *lines, self.rest = (self.rest + more).split(b"\n")
        if (not self.is_open and not more) or len(self.rest) > LONGEST_LINE:
            lines, self.rest = [*lines, self.rest], b""
        for line in lines:
            for start in range(0, len(line), LONGEST_LINE):
                part = line[start : start + LONGEST_LINE].rstrip(b"\r").decode(errors="replace")
                if part:  # CloudWatch Logs takes no empty events
                    self.lines.append((now, part))


class Shipper:
    """Sends the output of the pods it watches. `open_client` makes a boto3 client for Logs."""

    def __init__(
        self,
        open_client: Callable[[], Any],
        default_group: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare; pods without a label go to `default_group`, or nowhere when it is None."""
        self._open, self._default, self._clock = open_client, default_group, clock
        self._client: Any = None
        self._ending = asyncio.Event()
        self._streams: dict[str, list[Stream]] = {}  # by the uid of their pod

    def watch(self, pod: Object, log: Callable[[str], Path]) -> None:
        """Begin with a pod; `log` names the file of each of its containers."""
        metadata = pod["metadata"]
        group = (metadata.get("labels") or {}).get(LABEL) or self._default
        if group is None:
            return
        start = f"{metadata['namespace']}.{metadata['name']}"
        self._streams[metadata["uid"]] = [
            Stream(group, f"{start}.{container['name']}", log(container["name"]))
            for container in containers(pod["spec"])
        ]

    def release(self, pod: Object) -> None:
        """Read a pod's output to its end, now: its files may be gone in a moment."""
        for stream in self._streams.get(pod["metadata"]["uid"], ()):
            stream.is_open = False
            before = -1
            while before != stream.offset:  # the last time there is nothing more
                before = stream.offset
                stream.read(self._now())

    async def run(self) -> None:
        """Send until `end` is called; then once more what there is."""
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), PERIOD_SECONDS)
            try:
                await self.round()
            except Exception:
                logger.exception("the output of containers is not sent")

    def end(self) -> None:
        """Let `run` come to its end."""
        self._ending.set()

    async def round(self) -> None:
        """Read and send once."""
        now = self._now()
        for stream in self._all():
            if stream.is_open:
                stream.read(now)
        batches = [
            (stream, list(_batch(stream)))
            for stream in self._all()
            if stream.lines and stream.next_try <= self._clock()
        ]
        if batches:
            await asyncio.to_thread(self._send, batches)
        self._streams = {
            uid: kept
            for uid, streams in self._streams.items()
            if (kept := [stream for stream in streams if stream.is_open or stream.lines])
        }

    def _all(self) -> Iterator[Stream]:
        for streams in list(self._streams.values()):
            yield from streams

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _send(self, batches: list[tuple[Stream, list[Line]]]) -> None:
        """Send in a thread of its own; a group that refuses is not asked again in this round."""
        if self._client is None:
            self._client = self._open()
        refused: dict[str, str] = {}
        for stream, lines in batches:
            if stream.group not in refused:
                try:
                    self._put(stream, lines)
                except (BotoCoreError, ClientError) as error:
                    refused[stream.group] = str(error)
                else:
                    stream.tries = 0
                    for _ in lines:
                        stream.lines.popleft()
                    continue
            self._put_off(stream, len(lines), refused[stream.group])

    def _put_off(self, stream: Stream, count: int, why: str) -> None:
        stream.tries += 1
        if stream.tries >= MOST_TRIES:
            logger.warning("%s: %d lines of %s left out: %s", stream.group, count, stream.name, why)
            stream.tries = 0
            for _ in range(count):
                stream.lines.popleft()
            return
        stream.next_try = self._clock() + min(2.0**stream.tries / 2, LONGEST_PAUSE_SECONDS)

    def _put(self, stream: Stream, lines: list[Line]) -> None:
        where = {"logGroupName": stream.group, "logStreamName": stream.name}
        if not stream.is_made:
            try:
                self._client.create_log_stream(**where)
            except ClientError as error:
                if error.response["Error"]["Code"] != EXISTS:
                    raise
            stream.is_made = True
        events = [{"timestamp": at, "message": text} for at, text in lines]
        try:
            self._client.put_log_events(**where, logEvents=events)
        except ClientError as error:
            # Group or stream were deleted meanwhile; the next try makes the stream again.
            stream.is_made = error.response["Error"]["Code"] != ABSENT
            raise


def _batch(stream: Stream) -> Iterator[Line]:
    """Yield the first lines that wait, as many as can be sent at once."""
    size = 0
    for number, (at, text) in enumerate(stream.lines):
        size += len(text.encode()) + EVENT_BYTES
        if number >= MOST_EVENTS or size > MOST_BYTES:
            return
        yield at, text
