"""From the platform to a folder: in parallel, resumable, every file verified."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from glue.client.dataset import PinnedObject
from glue.client.find import Question, find_objects
from glue.client.retries import GaveUpError, StoppedError, TemporaryError, attempts
from glue.client.transport import RefusedError
from glue.errors import Conflict, InputError, NotFound

if TYPE_CHECKING:
    import http.client
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from glue.client.progress import Progress
    from glue.client.session import Session
    from glue.client.transport import Transport

BLOCK = 1024 * 1024  # bytes read at once
CONNECTIONS = 6
NAMES_AT_ONCE = 20  # recordings asked for in one call; an address must not grow too long
AT_ONCE = 200  # objects in one call for addresses, the API's limit
_STEP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,255}")

Outcome = Literal["fetched", "already there"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file after a fetch; `verified` tells whether its SHA-256 was known and is right."""

    recording: str
    key: str
    path: str
    size: int
    state: Outcome
    verified: bool

    def to_dict(self) -> dict[str, object]:
        """Return the form of `glue recordings fetch --json`."""
        return asdict(self)


def find_for_fetch(
    session: Session, recordings: Sequence[str], kind: str
) -> tuple[PinnedObject, ...]:
    """Return the present objects of recordings; raise `NotFound` naming one that has none."""
    found: list[PinnedObject] = []
    for start in range(0, len(recordings), NAMES_AT_ONCE):
        names = recordings[start : start + NAMES_AT_ONCE]
        items = find_objects(session, Question(), recordings=names, kind=kind)
        found.extend(PinnedObject.model_validate(item) for item in items)
    there = {item.recording for item in found}
    for name in recordings:
        if name not in there:
            raise NotFound(
                "recording",
                f"{name} has no {kind} objects",
                f"see `glue recordings show {name}`, or fetch --kind raw",
            )
    return tuple(found)


def target_of(folder: Path, key: str) -> Path:
    """Return where an object goes: its key below the folder; refuse a key that leads out of it."""
    steps = key.split("/")
    if "/" not in key or not all(_STEP.fullmatch(step) and ".." not in step for step in steps):
        raise InputError(
            "key", f"{key!a} is no key of a recording's file", "correct the dataset file"
        )
    return folder.joinpath(*steps)


def file_digest(path: Path, digest: hashlib._Hash | None = None) -> hashlib._Hash:
    """Return the SHA-256 of a file, in constant memory."""
    found = digest or hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found


class Fetcher:
    """Fetches objects below a folder."""

    def __init__(
        self,
        session: Session,
        transport: Transport,
        progress: Progress,
        folder: Path,
        *,
        overwrite: bool = False,
    ) -> None:
        self._session = session
        self._transport = transport
        self._progress = progress
        self._folder = folder
        self._overwrite = overwrite
        self._halt = threading.Event()

    def fetch(self, objects: Sequence[PinnedObject]) -> list[Fetched]:
        """Fetch just these versions; raise the first error after the others have stopped.

        Nothing is fetched when a file lies in the way that differs (`Conflict`).
        """
        targets = {target_of(self._folder, item.key): item for item in objects}
        if len(targets) != len(objects):
            raise InputError("objects", "one key is named twice", "name each object once")
        self._progress.begin(f"{len(objects)} files", sum(item.size for item in objects))
        outcome = "stopped"
        pool = ThreadPoolExecutor(CONNECTIONS, "fetch")
        try:
            there = dict(
                zip(targets, pool.map(self._is_there, targets, targets.values()), strict=True)
            )
            wanted = [path for path in targets if not there[path]]
            jobs = [
                pool.submit(self._fetch, path, targets[path], url)
                for path, url in self._addresses(wanted, targets)
            ]
            wait(jobs, return_when=FIRST_EXCEPTION)
            failed = [job for job in jobs if job.done() and job.exception()]
            if failed:
                self._halt.set()
                pool.shutdown(wait=True, cancel_futures=True)
                causes = [job.exception() for job in jobs if not job.cancelled()]
                raise min(
                    (cause for cause in causes if cause is not None),
                    key=lambda cause: isinstance(cause, StoppedError),
                )
            outcome = "fetched" if wanted else "already there"
            return [
                Fetched(
                    recording=item.recording,
                    key=item.key,
                    path=str(path),
                    size=item.size,
                    state="already there" if there[path] else "fetched",
                    verified=item.sha256 is not None,
                )
                for path, item in targets.items()
            ]
        finally:
            self._halt.set()
            pool.shutdown(wait=False, cancel_futures=True)
            self._progress.end(outcome)

    def _is_there(self, path: Path, item: PinnedObject) -> bool:
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return False
        except OSError as error:
            raise InputError(
                str(path), f"it cannot be read: {error.strerror}", "choose another folder with --to"
            ) from error
        same = path.is_file() and size == item.size
        if same and item.sha256 is not None:
            same = file_digest(path).hexdigest() == item.sha256
        if same:
            self._progress.moved(item.size)
            return True
        if self._overwrite and path.is_file():
            return False
        raise Conflict(
            str(path),
            f"another file than {item.key} lies there",
            "choose another folder with --to, or replace it with --overwrite",
            "exists",
        )

    def _addresses(
        self, wanted: Sequence[Path], targets: dict[Path, PinnedObject]
    ) -> Iterator[tuple[Path, str]]:
        for start in range(0, len(wanted), AT_ONCE):
            paths = wanted[start : start + AT_ONCE]
            yield from zip(paths, self._presign([targets[path] for path in paths]), strict=True)

    def _presign(self, items: Sequence[PinnedObject]) -> list[str]:
        answer = self._session.post(
            "/objects/presign",
            {
                "objects": [
                    {
                        "recording": item.recording,
                        "key": item.key,
                        "kind": item.kind,
                        "version_id": item.version_id,
                    }
                    for item in items
                ]
            },
        )
        urls = {(found["key"], found["version_id"]): found["url"] for found in answer["objects"]}
        return [str(urls[item.key, item.version_id]) for item in items]

    def _fetch(self, path: Path, item: PinnedObject, url: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The name says which content is in it, so that a part of another version is never resumed.
        mark = hashlib.sha256(f"{item.sha256}{item.version_id}".encode()).hexdigest()[:12]
        part = path.with_name(f".{path.name}.{mark}.part")
        download = _Download(self._transport, self._progress, self._halt, part, item)
        address = url
        try:
            for attempt in attempts(self._session.patience, self._halt):
                with attempt:
                    try:
                        download.run(address)
                    except RefusedError as error:
                        if error.status != HTTPStatus.FORBIDDEN:
                            raise InputError(
                                item.key, str(error), "report it to the operators", "refused"
                            ) from error
                        address = self._presign([item])[0]
                        raise TemporaryError(str(error)) from error
        except TemporaryError as error:
            raise GaveUpError(
                item.key, error, "check the network and fetch again: it resumes"
            ) from error
        os.replace(part, path)  # noqa: PTH105  # atomic, and says so


class _Download:
    """One object on its way into its unfinished file."""

    def __init__(
        self,
        transport: Transport,
        progress: Progress,
        halt: threading.Event,
        part: Path,
        item: PinnedObject,
    ) -> None:
        self._transport = transport
        self._progress = progress
        self._halt = halt
        self._part = part
        self._item = item
        self._counted = 0
        self._damaged = False

    def run(self, url: str) -> None:
        """Bring the unfinished file to its end and verify it."""
        digest = hashlib.sha256()
        have = 0
        if self._part.exists():
            have = self._part.stat().st_size
            if have > self._item.size:
                self._part.unlink()
                have = 0
            else:
                file_digest(self._part, digest)
        self._count_to(have)
        if have < self._item.size or not self._part.exists():
            digest = self._receive(url, have, digest)
        size = self._part.stat().st_size
        if size != self._item.size:
            raise TemporaryError(f"{self._item.key} ended after {size} of {self._item.size} bytes")
        if self._item.sha256 is not None and digest.hexdigest() != self._item.sha256:
            self._part.unlink()
            if self._damaged:
                raise InputError(
                    self._item.key,
                    "its SHA-256 is not the recorded one, twice",
                    "report it to the operators: the stored object may be damaged",
                    "damaged",
                )
            self._damaged = True
            raise TemporaryError(f"{self._item.key} arrived damaged")

    def _count_to(self, have: int) -> None:
        self._progress.moved(have - self._counted)
        self._counted = have

    def _receive(self, url: str, have: int, digest: hashlib._Hash) -> hashlib._Hash:
        found = digest

        def receive(answer: http.client.HTTPResponse) -> None:
            nonlocal found
            resumed = have > 0 and answer.status == HTTPStatus.PARTIAL_CONTENT
            if not resumed:
                found = hashlib.sha256()
                self._count_to(0)
            with self._part.open("ab" if resumed else "wb", buffering=0) as file:
                while block := answer.read(BLOCK):
                    if self._halt.is_set():
                        raise StoppedError
                    file.write(block)
                    found.update(block)
                    self._count_to(self._counted + len(block))

        headers = {"Range": f"bytes={have}-"} if have else {}
        self._transport.get(url, headers, receive)
        return found
