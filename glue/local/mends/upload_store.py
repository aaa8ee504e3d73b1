"""The files of multipart uploads in progress.

Layout: <folder>/<account>/<upload id>/upload.json, and for each part `<number>.json` with its
facts and the name of its file of bytes. Each file is written beside its place and renamed.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class Store:
    """The files of uploads in progress."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, account: str, upload_id: str) -> Path:
        """Return the folder of one upload."""
        return self.folder / account / upload_id

    def create(self, account: str, upload_id: str, upload: dict[str, Any]) -> None:
        """Write down a new upload."""
        folder = self.of(account, upload_id)
        folder.mkdir(parents=True, mode=0o700)
        facts = {name: value for name, value in upload.items() if name != "parts"}
        _write(folder / "upload.json", json.dumps(facts).encode())

    def add(self, account: str, upload_id: str, number: int, part: dict[str, Any]) -> None:
        """Move a part's bytes from memory to a file; `part` loses "body" and gains "file"."""
        folder = self.of(account, upload_id)
        body = part.pop("body")
        # Named by content: a part sent again with other bytes never touches the old file
        # before its own facts are written.
        part["file"] = f"{number}.{part['etag'].strip(chr(34))}"
        _write(folder / part["file"], body)
        _write(folder / f"{number}.json", json.dumps(part).encode())
        for old in folder.glob(f"{number}.*"):
            if old.name not in (part["file"], f"{number}.json"):
                old.unlink()

    def join(self, account: str, upload_id: str, names: list[str]) -> Path:
        """Join the files of parts, in this order, and return the file of the whole."""
        folder = self.of(account, upload_id)
        whole = folder / "whole"
        with whole.open("wb") as target:
            for name in names:
                with (folder / name).open("rb") as source:
                    _copy(source.fileno(), target.fileno())
        return whole

    def remove(self, account: str, upload_id: str) -> None:
        """Forget an upload and delete its files."""
        shutil.rmtree(self.of(account, upload_id), ignore_errors=True)

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


def _write(path: Path, data: Any) -> None:
    partial = path.with_name(path.name + ".tmp")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    partial.replace(path)


def _copy(source: int, target: int) -> None:
    """Append one open file to another, inside the kernel where it can."""
    remaining = os.fstat(source).st_size
    if hasattr(os, "copy_file_range"):
        try:
            while remaining:
                count = os.copy_file_range(source, target, remaining)
                if not count:
                    break
                remaining -= count
        except OSError:  # across file systems of another kind: by hand below
            pass
    while chunk := os.read(source, 1 << 20):
        os.write(target, chunk)
