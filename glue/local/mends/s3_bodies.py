"""Stored objects stay on disk, and what belongs to them survives a restart.

AWS keeps objects of any size. MiniStack 1.5.33 with S3_PERSIST writes each object to disk,
but in a versioned bucket it also keeps every version's bytes in memory; it reads a whole
file into memory for a GET of any range, and again for a copy; and after a restart it has
forgotten retention periods and legal holds, so locked versions can be deleted.

Here a large file is mapped instead of read, sent in pieces, and copied by a hard link
(a file is only ever replaced, never changed); a version's bytes are let go once they are on
disk; locks are saved with the rest of the state; and a composite checksum is recognised by
its form, because its type was neither stored on disk nor kept in the version history.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

from glue.local.mends.guard import expect

# Smaller objects are read: a mapping costs more than it saves.
MAPPED_FROM = 1 << 20
PIECE = 1 << 20

EXPECTED_S3 = {
    "_persist_object": "cb32b6ae8706",
    "_read_body": "596e56d63502",
    "_version_body": "914e6f75ad9f",
    "_get_object_data": "8735d1f5e331",
    "_atomic_write": "24958052a85f",
    "_object_response_headers": "33b3f416a4b5",
    "get_state": "999bd282f36c",
    "_restore_state": "1ee11336adcf",
}
EXPECTED_APP = {"_send_response": "316290fa1412"}


class MappedFile(mmap.mmap):
    """A file's bytes, read when they are looked at; remembers the path it was made from."""

    path: str


def mapped(path: str) -> MappedFile:
    """Map a file that is not empty."""
    with Path(path).open("rb") as file:
        result = MappedFile(file.fileno(), 0, access=mmap.ACCESS_READ)
    result.path = path
    return result


def _is_large(path: str | None) -> bool:
    try:
        return path is not None and Path(path).stat().st_size >= MAPPED_FROM
    except OSError:
        return False


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend the emulator's storage of objects. Raises MendError if it is another emulator."""
    from ministack import app
    from ministack.services import s3

    expect(s3, EXPECTED_S3)
    expect(app, EXPECTED_APP)
    _keep_locks(s3)
    _let_versions_go(s3)
    _map_large_files(s3)
    _link_instead_of_copying(s3)
    _name_composite_checksums(s3)
    app._send_response = _sending_in_pieces(app._send_response)


def _keep_locks(s3: Any) -> None:
    """Save retention periods and legal holds with the buckets' other settings."""
    s3._PERSISTED_BUCKET_DICTS["object_retention"] = s3._object_retention
    s3._PERSISTED_BUCKET_DICTS["object_legal_hold"] = s3._object_legal_hold


def _let_versions_go(s3: Any) -> None:
    original = s3._persist_object

    def persist_object(bucket: str, key: str, obj: Any) -> None:
        original(bucket, key, obj)
        if isinstance(obj, dict) and obj.get("body") is None:
            current = obj.get("version_id") or "null"
            for version in s3._object_versions.get((bucket, key)) or ():
                if version["version_id"] == current:
                    version["data"] = None

    s3._persist_object = persist_object


def _map_large_files(s3: Any) -> None:
    read_body, version_body = s3._read_body, s3._version_body
    object_data = s3._get_object_data

    def mapping_read_body(bucket_name: str, key: str, obj: dict[str, Any]) -> Any:
        if obj.get("body") is None:
            path = s3._object_disk_path(bucket_name, key)
            if _is_large(path):
                return mapped(path)
        return read_body(bucket_name, key, obj)

    def mapping_version_body(
        bucket: dict[str, Any], bucket_name: str, key: str, version: dict[str, Any]
    ) -> Any:
        if version.get("data") is None:
            path = s3._version_disk_path(bucket_name, key, version["version_id"])
            if _is_large(path):
                return mapped(path)
        return version_body(bucket, bucket_name, key, version)

    def plain_object_data(bucket_name: str, key: str, version_id: str | None = None) -> Any:
        # Other services take the bytes for bytes.
        data = object_data(bucket_name, key, version_id)
        return data[:] if isinstance(data, MappedFile) else data

    s3._read_body = mapping_read_body
    s3._version_body = mapping_version_body
    s3._get_object_data = plain_object_data


def _link_instead_of_copying(s3: Any) -> None:
    atomic_write = s3._atomic_write

    def linking_write(path: str, data: Any, *, text: bool = False) -> None:
        if not isinstance(data, MappedFile):
            atomic_write(path, data, text=text)
            return
        partial = Path(f"{path}.tmp")
        partial.unlink(missing_ok=True)
        try:
            os.link(data.path, partial)
        except OSError:  # no hard links here, or the source was replaced meanwhile
            atomic_write(path, data)
            return
        # Renaming a file onto another name of itself does nothing and leaves both names.
        if Path(path).exists() and partial.samefile(path):
            partial.unlink()
        else:
            partial.replace(path)

    s3._atomic_write = linking_write


def _name_composite_checksums(s3: Any) -> None:
    original = s3._object_response_headers

    def response_headers(*arguments: Any, **options: Any) -> dict[str, str]:
        headers: dict[str, str] = original(*arguments, **options)
        composite = any(
            name.startswith("x-amz-checksum-") and "-" in value for name, value in headers.items()
        )
        if composite:
            headers["x-amz-checksum-type"] = "COMPOSITE"
        return headers

    s3._object_response_headers = response_headers


def _sending_in_pieces(original: Any) -> Any:
    from ministack import app

    async def send_response(
        send: Any, status: int, headers: dict[str, Any], body: Any, *, head: bool = False
    ) -> None:
        if not isinstance(body, MappedFile):
            await original(send, status, headers, body, head=head)
            return
        headers["Content-Length"] = str(len(body))
        start = app._asgi_header_list(headers)
        # Read, not taken from the mapping: pages of a mapping count as this process's memory.
        # The file is opened before anything else can happen, so it is the one that was mapped.
        with Path(body.path).open("rb") as file:
            body.close()
            await send({"type": "http.response.start", "status": status, "headers": start})
            while piece := file.read(PIECE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_response
