"""One file to S3: asks for addresses, sends the missing parts, completes."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from typing import TYPE_CHECKING, Any, Protocol

from glue.client.hashing import hash_part
from glue.client.retries import GaveUpError, StoppedError, TemporaryError, attempts
from glue.client.scan import changed_file
from glue.client.session import path_of
from glue.client.transport import (
    Body,
    Content,
    FileShrankError,
    RefusedError,
    Slice,
)
from glue.errors import Conflict, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from glue.client.scan import LocalFile
    from glue.client.session import Json, Session
    from glue.client.transport import Transport
    from glue.recordings.manifest import FileEntry

TRIES_PER_ADDRESS = 3  # then fresh addresses are asked for
ROUNDS_PER_PART = 5  # every round brings at least one part over, unless something deletes them
# S3's words for "what arrived is not what the digest says".
_BAD_DIGEST = frozenset({"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch"})
# What fresh addresses, or another look at what is stored, may mend.
_ASK_AGAIN = frozenset({403, 404, 409, 412})


class AskAgainError(Exception):
    """What is stored has to be asked again: the address expired, or an answer was lost."""


class Source(Protocol):
    """The bytes of a file that is being shipped."""

    def part(self, start: int, length: int) -> Body:
        """Return the bytes of a part to send."""

    def check(self) -> None:
        """Raise `InputError` when the bytes are not the hashed ones any more."""

    def check_part(self, start: int, length: int, digest: str) -> None:
        """Raise `InputError` when this part is not the hashed one any more."""

    def close(self) -> None:
        """Let go of the file."""


class ContentSource:
    """A file that is made here, in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)

    def part(self, start: int, length: int) -> Body:
        """Return the bytes of a part to send."""
        return Content(self._content[start : start + length])

    def check(self) -> None:
        """Do nothing: memory does not change."""

    def check_part(self, start: int, length: int, digest: str) -> None:
        """Do nothing: memory does not change."""

    def close(self) -> None:
        """Do nothing: there is no file."""


class FileSource:
    """A file on disk, which somebody may still be writing to."""

    def __init__(self, local: LocalFile, forget: Callable[[], None] = lambda: None) -> None:
        self._local = local
        self._forget = forget
        try:
            self._file: BinaryIO = local.path.open("rb", buffering=0)
        except OSError as error:
            raise changed_file(local.name) from error

    def part(self, start: int, length: int) -> Body:
        """Return the bytes of a part to send."""
        self.check()
        return Slice(self._file, start, length)

    def check(self) -> None:
        """Raise `InputError` when the file's size, time or identity has changed."""
        if self._local.changed(os.fstat(self._file.fileno())):
            raise changed_file(self._local.name)

    def check_part(self, start: int, length: int, digest: str) -> None:
        """Raise `InputError` when the part has other bytes now than when it was hashed."""
        self.check()
        if hash_part(self._file, start, length) != digest:
            self._forget()  # written to without a trace in its times, as through a memory map
            raise changed_file(self._local.name)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Tally:
    """What the threads of one transfer share: counts, and `halt`, which ends it when set.

    `moved` hears of bytes as they go, for a progress bar; the counts are of what has arrived.
    """

    def __init__(self, moved: Callable[[int], None]) -> None:
        self._lock = threading.Lock()
        self.halt = threading.Event()
        self.moved = moved
        self.bytes_sent = 0
        self.parts_sent = 0

    def finished(self, count: int) -> None:
        """Count one part of `count` bytes as arrived."""
        with self._lock:
            self.bytes_sent += count
            self.parts_sent += 1


class Uploader:
    """Sends files of one recording; `threads` send the parts."""

    def __init__(
        self,
        session: Session,
        transport: Transport,
        threads: ThreadPoolExecutor,
        tally: Tally,
        recording: str,
    ) -> None:
        self._session = session
        self._halt = tally.halt
        self._transport = transport
        self._threads = threads
        self._tally = tally
        self._base = path_of("recordings", recording, "files")

    def ask_ahead(self, entry: FileEntry) -> Json | None:
        """Return the server's answer for a file that is sent later; None when it gave none."""
        try:
            return self._ask(entry)
        except InputError:
            return None  # it is asked again when the file's turn has come

    def upload(self, entry: FileEntry, source: Source, answer: Json | None = None) -> bool:
        """Send what the server lacks of a file; return False when it had all of it.

        `answer` is what the server has said before of where the file goes.
        Raises `InputError` when the file changes, the server has other content, or nothing has
        gone well for as long as the session's patience lasts.
        """
        sent = False
        waiting = entry.size
        for _ in range(ROUNDS_PER_PART * len(entry.parts)):
            try:
                for attempt in attempts(self._session.patience, self._halt):
                    with attempt:
                        state, answer = answer or self._ask(entry), None
                        if state["state"] == "stored":
                            self._tally.moved(waiting)
                            return sent
                        here = entry.size - self._missing(entry, state)
                        self._tally.moved(here - (entry.size - waiting))
                        waiting = entry.size - here
                        went = self._send(entry, source, state)
                        waiting -= went
                        sent = sent or went > 0
                        if self._finish(entry, source, state, waiting):
                            return True
            except TemporaryError as error:
                raise GaveUpError(
                    entry.name, error, "check the network and ship the folder again: it resumes"
                ) from error
        raise InputError(
            entry.name,
            "parts that have arrived are missing again and again",
            "report it to the operators: something deletes uploads",
            "lost",
        )

    def _ask(self, entry: FileEntry) -> Json:
        return self._session.post(self._base, entry.model_dump(mode="json"))

    @staticmethod
    def _missing(entry: FileEntry, state: Json) -> int:
        stored = set(state.get("stored") or ())
        return sum(
            _length(entry, number)
            for number in range(1, len(entry.parts) + 1)
            if number not in stored
        )

    def _finish(self, entry: FileEntry, source: Source, state: Json, waiting: int) -> bool:
        if waiting:
            return False
        if not state.get("upload_id"):
            return True
        source.check()
        try:
            self._session.post(
                f"{self._base}/complete",
                {
                    "name": entry.name,
                    "upload_id": state["upload_id"],
                    "sha256": entry.sha256,
                    "part_size": entry.part_size,
                    "parts": list(entry.parts),
                },
            )
        except Conflict as error:
            # The upload ended from elsewhere, or lost parts: the server's state says which.
            raise TemporaryError(str(error)) from error
        return True

    def _send(self, entry: FileEntry, source: Source, state: Json) -> int:
        """Send the parts that addresses were given for; return how many bytes arrived.

        Raises `TemporaryError` only when not one part went.
        """
        jobs: dict[Future[None], int] = {}
        for address in state["urls"]:
            number = int(address["number"])
            job = self._threads.submit(self._part, entry, source, number, address)
            jobs[job] = _length(entry, number)
        went, again = 0, ""
        try:
            for job in as_completed(jobs):
                try:
                    job.result()
                    went += jobs[job]
                except (TemporaryError, AskAgainError) as error:
                    again = str(error)
        except BaseException as error:
            self._halt.set()
            for job in jobs:
                job.cancel()
            if isinstance(error, Exception):
                wait(jobs)  # the file must not be closed under a thread that is sending it
            raise
        if again and not went:
            raise TemporaryError(again)
        return went

    def _part(self, entry: FileEntry, source: Source, number: int, address: dict[str, Any]) -> None:
        start, length = (number - 1) * entry.part_size, _length(entry, number)
        for attempt in attempts(None, self._halt, TRIES_PER_ADDRESS):
            with attempt:
                self._moved(0)
                try:
                    body = source.part(start, length)
                    headers = address.get("headers") or {}
                    self._transport.put(address["url"], headers, body, self._moved)
                except FileShrankError as error:
                    raise changed_file(entry.name) from error
                except RefusedError as error:
                    self._refused(error, entry, source, number)
                except TemporaryError as error:
                    if error.answered:
                        raise
                    # It may have arrived: the server is asked before it is sent again.
                    raise AskAgainError(str(error)) from error
        self._tally.finished(length)

    def _moved(self, count: int) -> None:
        if count >= 0 and self._halt.is_set():
            raise StoppedError
        self._tally.moved(count)

    def _refused(self, error: RefusedError, entry: FileEntry, source: Source, number: int) -> None:
        length = _length(entry, number)
        if error.code in _BAD_DIGEST:
            source.check_part((number - 1) * entry.part_size, length, entry.parts[number - 1])
            raise TemporaryError("a part arrived damaged", answered=True) from error
        if error.status in _ASK_AGAIN:
            raise AskAgainError(str(error)) from error
        raise InputError(
            entry.name, str(error), "report it to the operators with this message", "refused"
        ) from error


def _length(entry: FileEntry, number: int) -> int:
    return max(0, min(entry.part_size, entry.size - (number - 1) * entry.part_size))
