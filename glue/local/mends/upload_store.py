"""The files of multipart uploads in progress.

Layout: <folder>/<account>/<upload id>/upload.json, for each part `<number>.json` with its
facts, and the bytes: in `whole` at the place where the part belongs when that can be known,
else in a file of the part's own. Facts are written last, beside their place, and renamed: bytes
that no facts point to do not count.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WHOLE = "whole"


@dataclass(slots=True)
class _Whole:
    """Which parts have their place in an upload's file of the whole; sizes in bytes."""

    stride: int = 0
    taken: set[int] = field(default_factory=set)
    writing: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part's bytes are to be written; `number` is None in a file of its own."""

    upload: tuple[str, str]
    file: Path
    offset: int
    number: int | None

    def write(self, body: Any) -> None:
        """Write the bytes of a part; may be called in any thread."""
        _write_at(self.file, body, self.offset)


class Store:
    """The files of uploads in progress; but for `Place.write` used by one thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Of uploads that began in this process: after a restart each part gets its own file.
        self._wholes: dict[tuple[str, str], _Whole] = {}

    def of(self, account: str, upload_id: str) -> Path:
        """Return the folder of one upload."""
        return self.folder / account / upload_id

    def create(self, account: str, upload_id: str, upload: dict[str, Any]) -> None:
        """Write down a new upload."""
        folder = self.of(account, upload_id)
        folder.mkdir(parents=True, mode=0o700)
        facts = {name: value for name, value in upload.items() if name != "parts"}
        _write(folder / "upload.json", json.dumps(facts).encode())
        self._wholes[account, upload_id] = _Whole()

    def place(self, account: str, upload_id: str, number: int, size: int) -> Place:
        """Return where to write a part of `size` bytes; then `add` it, or `give_up` the place.

        Parts have one size but for the last, so the first to come tells where the others belong.
        A place is never used twice: a part sent again does not touch the bytes of the first.
        """
        folder, whole = self.of(account, upload_id), self._wholes.get((account, upload_id))
        if whole is not None:
            whole.stride = whole.stride or size
            if number not in whole.taken and size <= whole.stride:
                whole.taken.add(number)
                whole.writing.add(number)
                offset = (number - 1) * whole.stride
                return Place((account, upload_id), folder / WHOLE, offset, number)
        return Place((account, upload_id), folder / f"{uuid.uuid4().hex}.tmp", 0, None)

    def give_up(self, place: Place) -> None:
        """Let go of a place whose part was refused, and which nothing writes into any more."""
        if place.number is None:
            place.file.unlink(missing_ok=True)
        elif whole := self._wholes.get(place.upload):
            whole.writing.discard(place.number)

    def add(
        self, account: str, upload_id: str, number: int, part: dict[str, Any],
        place: Place | None = None,
    ) -> None:  # fmt: skip
        """Write down a part, whose bytes are in `place` if given.

        `part` loses "body" and gains "file" and "offset".
        """
        folder = self.of(account, upload_id)
        body = part.pop("body")
        if place is None:
            place = Place((account, upload_id), folder / f"{uuid.uuid4().hex}.tmp", 0, None)
            place.write(body)
        part["file"], part["offset"] = place.file.name, place.offset
        if place.number is None:
            # Named by content: a part sent again with other bytes never touches the old file
            # before its own facts are written.
            part["file"] = f"{number}.{part['etag'].strip(chr(34))}"
            place.file.replace(folder / part["file"])
        _write(folder / f"{number}.json", json.dumps(part).encode())
        if place.number is not None and (whole := self._wholes.get(place.upload)):
            whole.writing.discard(place.number)
        for old in folder.glob(f"{number}.*"):
            if old.name not in (part["file"], f"{number}.json"):
                old.unlink()

    def join(self, account: str, upload_id: str, parts: Sequence[dict[str, Any]]) -> Path:
        """Join parts, in this order, and return the file of the whole."""
        folder = self.of(account, upload_id)
        whole = self._wholes.pop((account, upload_id), None)
        in_place, total = True, 0
        for part in parts:
            in_place = in_place and (part["file"], part.get("offset", 0)) == (WHOLE, total)
            total += part["size"]
        # What a thread may still be writing into must not become an object.
        if in_place and not (whole and whole.writing):
            os.truncate(folder / WHOLE, total)
            return folder / WHOLE
        joined = folder / "joined"
        with joined.open("wb") as target:
            for part in parts:
                with (folder / part["file"]).open("rb") as source:
                    source.seek(part.get("offset", 0))
                    _copy(source.fileno(), target.fileno(), part["size"])
        return joined

    def remove(self, account: str, upload_id: str) -> None:
        """Forget an upload and delete its files."""
        self._wholes.pop((account, upload_id), None)
        shutil.rmtree(self.of(account, upload_id), ignore_errors=True)

    def clear(self) -> None:
        """Forget all uploads."""
        self._wholes.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def load(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return every upload on disk by account and id; what was cut off is left out."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for folder in self.folder.glob("*/*"):
            try:
                upload = json.loads((folder / "upload.json").read_bytes())
            except (OSError, ValueError):
                shutil.rmtree(folder, ignore_errors=True)
                continue
            upload["parts"] = {}
            for facts in folder.glob("[0-9]*.json"):
                part = json.loads(facts.read_bytes())
                if (folder / part["file"]).is_file():
                    upload["parts"][int(facts.stem)] = part
            found[folder.parent.name, folder.name] = upload
        return found


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".tmp")
    partial.unlink(missing_ok=True)
    _write_at(partial, data, 0)
    partial.replace(path)


def _write_at(path: Path, data: Any, offset: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            count = os.pwrite(descriptor, rest, offset)
            rest, offset = rest[count:], offset + count
    finally:
        os.close(descriptor)


def _copy(source: int, target: int, remaining: int) -> None:
    """Append `remaining` bytes of one open file to another, inside the kernel where it can."""
    if hasattr(os, "copy_file_range"):
        try:
            while remaining:
                count = os.copy_file_range(source, target, remaining)
                if not count:
                    break
                remaining -= count
        except OSError:  # across file systems of another kind: by hand below
            pass
    while remaining and (chunk := os.read(source, min(1 << 20, remaining))):
        os.write(target, chunk)
        remaining -= len(chunk)
