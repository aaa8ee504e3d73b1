"""The manifest of a recording: its files with size, digest and the digests of their parts."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from glue.errors import InputError
from glue.recordings.names import MANIFEST_NAME, check_file_name, check_recording_name

if TYPE_CHECKING:
    from collections.abc import Sequence

MEBIBYTE = 1024 * 1024
DEFAULT_PART_SIZE = 16 * MEBIBYTE
SMALLEST_PART_SIZE = 8 * MEBIBYTE
LARGEST_PART_SIZE = 64 * MEBIBYTE
MOST_PARTS = 10_000  # S3's limit for one multipart upload
LARGEST_FILE = 5 * 1024**4  # bytes; S3's limit for one object
MOST_FILES = 10_000
LARGEST_MANIFEST = 64 * MEBIBYTE

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def part_count(size: int, part_size: int) -> int:
    """Return into how many parts a file of `size` bytes falls; an empty file has one."""
    return max(1, -(-size // part_size))


def part_size_for(size: int) -> int:
    """Return the part size, in bytes, to ship a file of `size` bytes with."""
    if size <= DEFAULT_PART_SIZE * MOST_PARTS:
        return DEFAULT_PART_SIZE
    return -(-size // (MOST_PARTS * MEBIBYTE)) * MEBIBYTE


def check_sizes(size: int, part_size: int, parts: int, field: str = "") -> None:
    """Raise `InputError` unless size, part size and number of parts fit S3 and each other."""
    if not 0 <= size <= LARGEST_FILE:
        raise InputError(
            f"{field}size",
            f"{size} bytes is not a size that S3 can store",
            f"split the file: the limit is {LARGEST_FILE} bytes",
        )
    largest = max(LARGEST_PART_SIZE, part_size_for(size))
    if not SMALLEST_PART_SIZE <= part_size <= largest:
        raise InputError(
            f"{field}part_size",
            f"{part_size} bytes is out of range",
            f"use {SMALLEST_PART_SIZE} to {largest}; {part_size_for(size)} suits this file",
        )
    expected = part_count(size, part_size)
    if expected > MOST_PARTS:
        raise InputError(
            f"{field}part_size",
            f"{part_size} bytes would make {expected} parts",
            f"use {part_size_for(size)}, which makes at most {MOST_PARTS}",
        )
    if parts != expected:
        raise InputError(
            f"{field}parts",
            f"{parts} digests are given, and {size} bytes in parts of {part_size} make {expected}",
            "give the SHA-256 of every part, in order",
        )


def stored_checksum(sha256: str, parts: Sequence[str]) -> str:
    """Return the checksum S3 keeps for a file with these hex digests.

    One part is a plain PUT, for which S3 keeps the file's own SHA-256 in base64; several are a
    multipart upload, for which it keeps the SHA-256 of the parts' digests and their number.
    """
    if len(parts) == 1:
        return to_base64(sha256)
    joined = b"".join(bytes.fromhex(part) for part in parts)
    return f"{base64.b64encode(hashlib.sha256(joined).digest()).decode()}-{len(parts)}"


def to_base64(digest: str) -> str:
    """Return a hex digest as S3 writes it."""
    return base64.b64encode(bytes.fromhex(digest)).decode()


class FileEntry(BaseModel):
    """One file: `size` and `part_size` in bytes, digests as lower-case hex."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    size: int
    sha256: Digest
    part_size: int
    parts: tuple[Digest, ...] = Field(min_length=1, max_length=MOST_PARTS)

    @property
    def checksum(self) -> str:
        """The checksum that S3 keeps for this file."""
        return stored_checksum(self.sha256, self.parts)

    def check(self, field: str = "") -> None:
        """Raise `InputError` when the entry contradicts itself."""
        check_file_name(self.name, f"{field}name")
        check_sizes(self.size, self.part_size, len(self.parts), field)
        if len(self.parts) == 1 and self.parts[0] != self.sha256:
            raise InputError(
                f"{field}parts",
                "the only part has another digest than the file",
                "compute both digests again from the file",
            )


class Manifest(BaseModel):
    """Every file of a recording but the manifest itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    # `schema` is taken by pydantic's own BaseModel, hence the alias.
    version: Literal[1] = Field(default=1, alias="schema")
    recording: str
    metadata: str
    files: tuple[FileEntry, ...] = Field(min_length=1, max_length=MOST_FILES)

    def check(self) -> None:
        """Raise `InputError` when the manifest contradicts itself."""
        check_recording_name(self.recording)
        check_file_name(self.metadata, "metadata")
        names: set[str] = set()
        for position, file in enumerate(self.files):
            field = f"files[{position}]."
            file.check(field)
            if file.name == MANIFEST_NAME:
                raise InputError(
                    f"{field}name", "the manifest lists itself", "list every file but the manifest"
                )
            if file.name in names:
                raise InputError(
                    f"{field}name", f"{file.name!r} is listed twice", "list each file once"
                )
            names.add(file.name)
        if self.metadata not in names:
            raise InputError(
                "metadata",
                f"{self.metadata!r} is not among the files",
                "name the metadata text, and list it under files",
            )

    def to_bytes(self) -> bytes:
        """Return the manifest as it is stored: the same bytes for the same files."""
        return json.dumps(self.model_dump(by_alias=True), indent=1).encode() + b"\n"


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise InputError(key, "the key stands twice in one object", "write each key once")
        found[key] = value
    return found


def parse_manifest(content: bytes, recording: str) -> Manifest:
    """Return the checked manifest of `recording`; raise `InputError` naming what is wrong."""
    remedy = "let `glue recordings ship` write the manifest"
    if len(content) > LARGEST_MANIFEST:
        raise InputError(MANIFEST_NAME, f"it has {len(content)} bytes", remedy)
    try:
        document = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise InputError(MANIFEST_NAME, "it is not UTF-8 text", remedy) from error
    except InputError as error:
        field = f"{MANIFEST_NAME}: {error.field}"
        raise InputError(field, error.message, error.remedy) from error
    except (ValueError, RecursionError) as error:
        raise InputError(MANIFEST_NAME, f"it is not JSON ({error})", remedy) from error
    try:
        manifest = Manifest.model_validate_json(json.dumps(document))
        manifest.check()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "document"
        raise InputError(f"{MANIFEST_NAME}: {place}", first["msg"], remedy) from error
    except InputError as error:
        field = f"{MANIFEST_NAME}: {error.field}"
        raise InputError(field, error.message, error.remedy) from error
    if manifest.recording != recording:
        raise InputError(
            f"{MANIFEST_NAME}: recording",
            f"it says {manifest.recording!r} and lies in {recording!r}",
            "ship the folder under the name its manifest says",
        )
    return manifest
