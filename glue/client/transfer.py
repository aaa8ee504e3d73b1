"""One folder's files on their way: data in parallel, then the manifest, the metadata text last."""

from __future__ import annotations

import time
from concurrent.futures import (
    FIRST_EXCEPTION,
    CancelledError,
    Future,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glue.client.hashing import hash_content, hash_file
from glue.client.retries import StoppedError
from glue.client.upload import ContentSource, FileSource, Tally, Uploader
from glue.errors import InputError
from glue.recordings.manifest import (
    LARGEST_PART_SIZE,
    MEBIBYTE,
    MOST_PARTS,
    SMALLEST_PART_SIZE,
    FileEntry,
    Manifest,
    part_count,
    part_size_for,
)
from glue.recordings.names import MANIFEST_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from glue.client.journal import Journal
    from glue.client.scan import LocalFile, Plan
    from glue.client.session import Json, Session
    from glue.client.transport import Transport

FILES_AT_ONCE = 4
MOST_CONNECTIONS = 64
AHEAD_SECONDS = 60.0  # for which an answer that was asked ahead is good; addresses live longer


@dataclass(frozen=True, slots=True)
class Options:
    """How to ship: `connections` at once, `part_size` in bytes (None: whatever suits the file)."""

    connections: int = 6
    part_size: int | None = None
    metadata: str | None = None
    check: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.connections <= MOST_CONNECTIONS:
            raise InputError(
                "connections",
                f"{self.connections} is out of range",
                f"use 1 to {MOST_CONNECTIONS}",
            )
        size = self.part_size
        if size is not None and (
            not SMALLEST_PART_SIZE <= size <= LARGEST_PART_SIZE or size % MEBIBYTE
        ):
            raise InputError(
                "part_size",
                f"{size} bytes is no size for a part",
                f"use whole MiB from {SMALLEST_PART_SIZE} to {LARGEST_PART_SIZE} bytes",
            )


class Transfer:
    """The transfer of one plan.

    On entry the files begin to be read, one after the other; on leaving early all work is halted.
    """

    def __init__(
        self,
        plan: Plan,
        session: Session,
        journal: Journal,
        tally: Tally,
        options: Options,
    ) -> None:
        self._plan = plan
        self._session = session
        self._journal = journal
        self._tally = tally
        self._options = options
        self.hashed: Callable[[int], None] = lambda _: None
        self._reader = ThreadPoolExecutor(1, "read")
        self._entries: dict[str, Future[FileEntry]] = {}

    def __enter__(self) -> Self:
        """Begin to hash the files, also while the platform is asked whether it wants them.

        The smallest comes first: it is soonest on its way, and while it is, the next is read.
        """
        for file in (*sorted(self._plan.data, key=lambda one: one.size), self._plan.metadata):
            self._entries[file.name] = self._reader.submit(self._hash, file)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._tally.halt.set()
        self._reader.shutdown(wait=kind is None, cancel_futures=True)

    def entry(self, file: LocalFile) -> FileEntry:
        """Return the digests of a file, when they are there."""
        try:
            return self._entries[file.name].result()
        except CancelledError as error:
            raise StoppedError from error

    def _hash(self, file: LocalFile) -> FileEntry:
        """Return the digests of a file: from the journal, or read now."""
        if self._tally.halt.is_set():
            raise StoppedError
        part_size = self._part_size(file)
        found = self._journal.digests(self._plan.folder, file, part_size)
        if found is None:
            found = hash_file(file, part_size, self._tally.halt, self.hashed)
            self._journal.keep_digests(self._plan.folder, file, found)
        return found

    def _part_size(self, file: LocalFile) -> int:
        own = self._plan.own_manifest
        if own is not None and not self._options.check:  # it is shipped as it is
            for listed in own.files:
                if listed.name == file.name:
                    return listed.part_size
        chosen = self._options.part_size
        if chosen is not None and part_count(file.size, chosen) <= MOST_PARTS:
            return chosen
        return part_size_for(file.size)

    def run(self, transport: Transport) -> bool:
        """Send everything the platform lacks; return False when it lacked nothing."""
        plan = self._plan
        connections = self._options.connections
        parts = ThreadPoolExecutor(connections, "send")
        files = ThreadPoolExecutor(min(FILES_AT_ONCE, connections), "file")
        done = False
        try:
            uploader = Uploader(self._session, transport, parts, self._tally, plan.recording)
            data = sorted(plan.data, key=lambda file: file.size)
            jobs = [files.submit(self._send, uploader, file) for file in data]
            ahead = files.submit(self._ask_ahead, uploader)
            sent = self._send_data(jobs)
            content, answers, asked_at = ahead.result()
            if time.monotonic() - asked_at > AHEAD_SECONDS:
                answers = [None, None]
            manifest = _manifest_entry(content)
            sent = uploader.upload(manifest, ContentSource(content), answers[0]) or sent
            sent = self._send(uploader, plan.metadata, answers[1]) or sent
            done = True
            return sent
        finally:
            self._tally.halt.set()
            for pool in (files, parts):
                pool.shutdown(wait=done, cancel_futures=True)

    def _send_data(self, jobs: list[Future[bool]]) -> bool:
        wait(jobs, return_when=FIRST_EXCEPTION)
        if any(job.done() and job.exception() for job in jobs):
            self._tally.halt.set()
            for job in jobs:
                job.cancel()
            wait(jobs)
            errors = [job.exception() for job in jobs if not job.cancelled()]
            causes = [error for error in errors if error is not None]
            # The cause, not what was stopped because of it.
            raise min(causes, key=lambda error: isinstance(error, StoppedError))
        return any(job.result() for job in jobs)

    def _ask_ahead(self, uploader: Uploader) -> tuple[bytes, list[Json | None], float]:
        """Return the manifest, where it and the metadata text are to go, and when that was asked.

        Nothing is sent: their turn comes when the data is there.
        """
        entries = [self.entry(file) for file in self._plan.files]
        content = None if self._options.check else self._plan.own_manifest_bytes
        content = content or self._manifest(entries).to_bytes()
        asked_at = time.monotonic()
        last = (_manifest_entry(content), self.entry(self._plan.metadata))
        return content, [uploader.ask_ahead(entry) for entry in last], asked_at

    def _manifest(self, entries: Sequence[FileEntry]) -> Manifest:
        manifest = Manifest(
            recording=self._plan.recording,
            metadata=self._plan.metadata.name,
            files=tuple(entries),
        )
        manifest.check()
        return manifest

    def _send(self, uploader: Uploader, file: LocalFile, answer: Json | None = None) -> bool:
        entry = self.entry(file)
        source = FileSource(file, lambda: self._journal.forget(self._plan.folder, file.name))
        try:
            return uploader.upload(entry, source, answer)
        finally:
            source.close()


def _manifest_entry(content: bytes) -> FileEntry:
    return hash_content(MANIFEST_NAME, content, part_size_for(len(content)))
