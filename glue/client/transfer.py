"""One folder's files on their way: data in parallel, then the manifest, the metadata text last."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
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
    from collections.abc import Callable

    from glue.client.journal import Journal
    from glue.client.scan import LocalFile, Plan
    from glue.client.session import Session
    from glue.client.transport import Transport

FILES_AT_ONCE = 4
MOST_CONNECTIONS = 64


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
    """The transfer of one plan."""

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
        self._reading = threading.Lock()
        self._entries: dict[str, FileEntry] = {}

    def entry(self, file: LocalFile) -> FileEntry:
        """Return the digests of a file: from the journal, or read now, one file at a time."""
        with self._reading:
            if found := self._entries.get(file.name):
                return found
            if self._tally.halt.is_set():
                raise StoppedError
            part_size = self._part_size(file)
            found = self._journal.digests(self._plan.folder, file, part_size)
            if found is None:
                found = hash_file(file, part_size, self._tally.halt, self.hashed)
                self._journal.keep_digests(self._plan.folder, file, found)
            self._entries[file.name] = found
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
            sent = self._send_data([files.submit(self._send, uploader, file) for file in plan.data])
            content = None if self._options.check else plan.own_manifest_bytes
            content = content or self._manifest().to_bytes()
            entry = hash_content(MANIFEST_NAME, content, part_size_for(len(content)))
            sent = uploader.upload(entry, ContentSource(content)) or sent
            sent = self._send(uploader, plan.metadata) or sent
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

    def _manifest(self) -> Manifest:
        manifest = Manifest(
            recording=self._plan.recording,
            metadata=self._plan.metadata.name,
            files=tuple(self.entry(file) for file in self._plan.files),
        )
        manifest.check()
        return manifest

    def _send(self, uploader: Uploader, file: LocalFile) -> bool:
        entry = self.entry(file)
        source = FileSource(file, lambda: self._journal.forget(self._plan.folder, file.name))
        try:
            return uploader.upload(entry, source)
        finally:
            source.close()
