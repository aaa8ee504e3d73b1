"""From a folder to a plan of what to ship, refusing what could not be kept."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glue.errors import InputError, NotFound
from glue.recordings.manifest import LARGEST_FILE, MOST_FILES, Manifest, parse_manifest
from glue.recordings.metadata import LARGEST_METADATA, parse_metadata
from glue.recordings.names import (
    MANIFEST_NAME,
    METADATA_SUFFIXES,
    check_file_name,
    check_recording_name,
    may_be_metadata,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file as it was when the folder was read; `size` in bytes."""

    name: str
    path: Path
    size: int
    mtime_ns: int
    inode: int

    def changed(self, now: os.stat_result) -> bool:
        """Tell whether the file's facts differ from `now`."""
        return (self.size, self.mtime_ns, self.inode) != (now.st_size, now.st_mtime_ns, now.st_ino)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be shipped as one recording.

    `own_manifest` is the manifest that lay in the folder, checked as far as names and sizes go;
    `warnings` say what an unchecked folder would have been refused for.
    """

    recording: str
    folder: Path
    data: tuple[LocalFile, ...]
    metadata: LocalFile
    ignored: tuple[str, ...]
    own_manifest: Manifest | None
    own_manifest_bytes: bytes | None
    warnings: tuple[str, ...]

    @property
    def files(self) -> tuple[LocalFile, ...]:
        """Every file but the manifest, in the order in which they are shipped."""
        return (*self.data, self.metadata)

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files)


def changed_file(name: str) -> InputError:
    """Return the error for a file that does not hold still."""
    return InputError(
        name,
        "the file changed while it was being shipped",
        "wait until nothing writes to the folder, then ship it again",
        "changed",
    )


def scan(folder: Path, metadata: str | None = None, check: bool = True) -> Plan:
    """Return the plan for a folder; raise `InputError` naming the file that is in the way.

    `metadata` names the metadata text where several files could be it. Without `check`, broken
    metadata and an own manifest that contradicts the files become warnings.
    """
    try:
        resolved = folder.resolve(strict=True)
        entries = sorted(os.scandir(resolved), key=lambda entry: entry.name)
    except FileNotFoundError as error:
        raise NotFound(str(folder), "there is no such folder", "check the path") from error
    except NotADirectoryError as error:
        raise InputError(
            str(folder), "it is not a folder", "name the folder that holds the recording"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(
            ascii(str(folder))[1:-1],
            f"it cannot be read: {error}",
            "check the path and who may read it",
        ) from error
    recording = check_recording_name(resolved.name)
    ignored = tuple(entry.name for entry in entries if entry.name.startswith("."))
    files = [_examine(entry, resolved) for entry in entries if not entry.name.startswith(".")]
    own = next((file for file in files if file.name == MANIFEST_NAME), None)
    files = [file for file in files if file is not own]
    if not files:
        raise InputError(
            str(folder), "the folder is empty", "put the data files and the metadata text into it"
        )
    if len(files) > MOST_FILES:
        raise InputError(
            str(folder),
            f"the folder holds {len(files)} files",
            f"pack them: a recording may have {MOST_FILES}",
        )
    warnings: list[str] = []
    manifest, content = None, None
    if own is not None:
        content = own.path.read_bytes()
        manifest = parse_manifest(content, recording)
    text = _metadata_file(files, folder, metadata or (manifest.metadata if manifest else None))
    _complain(warnings, check, lambda: _check_metadata(text))
    if manifest is not None:
        _complain(warnings, check, lambda: compare(manifest, {f.name: f.size for f in files}))
    return Plan(
        recording,
        resolved,
        tuple(file for file in files if file is not text),
        text,
        ignored,
        manifest,
        content,
        tuple(warnings),
    )


def _examine(entry: os.DirEntry[str], folder: Path) -> LocalFile:
    name = check_file_name(entry.name, "file name")
    if entry.is_symlink():
        target = Path(entry.path).resolve()
        if target.parent != folder:
            raise InputError(
                name,
                "it is a link to something outside the folder",
                "put a copy of the file in its place",
            )
    if entry.is_dir():
        raise InputError(
            name,
            "it is a folder, and a recording's files lie side by side",
            "move its files up, or pack it into one file",
        )
    if not entry.is_file():
        what = "a link that leads nowhere" if entry.is_symlink() else "not a regular file"
        raise InputError(name, f"it is {what}", "remove it from the folder")
    try:
        with Path(entry.path).open("rb") as file:
            facts = os.fstat(file.fileno())
    except OSError as error:
        raise InputError(
            name, f"it cannot be read: {error.strerror}", "let this user read it"
        ) from error
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST_FILE:
        raise InputError(
            name,
            f"{facts.st_size} bytes is more than S3 stores as one object",
            f"split it: the limit is {LARGEST_FILE} bytes",
        )
    return LocalFile(name, Path(entry.path), facts.st_size, facts.st_mtime_ns, facts.st_ino)


def _metadata_file(files: list[LocalFile], folder: Path, chosen: str | None) -> LocalFile:
    if chosen is not None:
        for file in files:
            if file.name == chosen:
                return file
        raise InputError(
            "metadata", f"{chosen!r} is not in the folder", "name a file that lies in the folder"
        )
    candidates = [file for file in files if may_be_metadata(file.name)]
    if len(candidates) == 1:
        return candidates[0]
    kinds = ", ".join(METADATA_SUFFIXES)
    if not candidates:
        raise InputError(
            "metadata",
            f"{folder} holds no metadata text ({kinds})",
            "add one, or say which file it is with --metadata NAME",
        )
    names = ", ".join(file.name for file in candidates[:5])
    raise InputError(
        "metadata",
        f"{folder} holds several files that could be the metadata text: {names}",
        "say which one it is with --metadata NAME",
    )


def _check_metadata(file: LocalFile) -> None:
    with file.path.open("rb") as opened:
        content = opened.read(LARGEST_METADATA + 1)
    if len(content) > LARGEST_METADATA:
        raise InputError(
            f"{file.name}: metadata",
            f"the file has {file.size} bytes",
            f"keep it within {LARGEST_METADATA} bytes; ship data as a data file",
        )
    try:
        parse_metadata(content)
    except InputError as error:
        raise InputError(
            f"{file.name}: {error.field}", error.message, error.remedy, error.code
        ) from error


def compare(manifest: Manifest, sizes: dict[str, int]) -> None:
    """Raise `InputError` naming the first file in which folder and manifest differ."""
    listed = {entry.name: entry for entry in manifest.files}
    remedy = f"mend the folder, or delete {MANIFEST_NAME}: a new one is made from the files"
    for name, entry in listed.items():
        if name not in sizes:
            raise InputError(name, f"{MANIFEST_NAME} lists it and it is missing", remedy)
        if entry.size != sizes[name]:
            raise InputError(
                name,
                f"it has {sizes[name]} bytes and {MANIFEST_NAME} says {entry.size}",
                remedy,
            )
    for name in sizes:
        if name not in listed:
            raise InputError(name, f"{MANIFEST_NAME} does not list it", remedy)


def compare_digests(manifest: Manifest, digests: dict[str, str]) -> None:
    """Raise `InputError` naming the first file whose SHA-256 is not the manifest's."""
    for entry in manifest.files:
        if entry.name in digests and digests[entry.name] != entry.sha256:
            raise InputError(
                entry.name,
                f"its SHA-256 is {digests[entry.name][:12]}… and {MANIFEST_NAME} says "
                f"{entry.sha256[:12]}…",
                f"restore the file, or delete {MANIFEST_NAME}: a new one is made from the files",
            )


def _complain(warnings: list[str], check: bool, examine: Callable[[], None]) -> None:
    try:
        examine()
    except InputError as error:
        if check:
            raise
        warnings.append(str(error))
