"""Multipart uploads live on disk and survive a stop, also a violent one.

On AWS an upload in progress waits until it is completed or aborted. MiniStack 1.5.33 keeps
it in memory only: after a restart the answer is NoSuchUpload, and every part must be sent
again. It also holds all parts and the joined object in memory at once and hashes every
byte a second time to complete (600 MB: 4 s, 2.6 GB), accepts parts that are too small or
out of order, stores no checksum for a copied part, and gives the completed object no
retention although the bucket's Object Lock has a default.

Here each part goes to a file when it arrives, written by a thread while others are served, and
is forgotten in memory. Completion copies bytes only where they do not lie in a row already.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect
from glue.local.mends.s3_digests import HASHED_ASIDE_FROM, threads
from glue.local.mends.upload_completion import Completion
from glue.local.mends.upload_store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from glue.local.mends.upload_completion import Answer
    from glue.local.mends.upload_store import Place

# The body of the part at hand, and where a thread has written it.
_written: ContextVar[tuple[Any, Place] | None] = ContextVar("written_part", default=None)

UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")

MOST_PARTS = 10_000
EXPECTED_S3 = {
    "_create_multipart_upload": "3e8ca288f480",
    "_upload_part": "e27ecd53f1de",
    "_upload_part_copy": "890950db69f2",
    "_complete_multipart_upload": "9e2d6452dfe1",
    "_abort_multipart_upload": "dfdafae7cd5f",
    "_apply_object_lock_from_headers": "6ae36cbe1198",
    "reset": "221ee0d17e3a",
}


def apply(home: Path) -> None:
    """Mend multipart uploads. Raises MendError if it is another emulator."""
    from ministack.services import s3

    expect(s3, EXPECTED_S3)
    store = Store(home / "state" / "multipart")
    for scope, upload in store.load().items():
        s3._multipart_uploads._data[scope] = upload
    s3._create_multipart_upload = _creating(s3, store)
    s3._upload_part = _keeping_part(s3, store, s3._upload_part)
    s3._upload_part_copy = _keeping_part_copy(s3, store)
    s3._complete_multipart_upload = Completion(s3, store)
    s3._abort_multipart_upload = _aborting(s3, store)
    s3.handle_request = _writing_first(s3, store, s3.handle_request)
    s3.reset = _resetting(s3.reset, store)


def _creating(s3: Any, store: Store) -> Any:
    original = s3._create_multipart_upload

    def create(bucket_name: str, key: str, headers: dict[str, str]) -> Answer:
        answer: Answer = original(bucket_name, key, headers)
        match = UPLOAD_ID.search(answer[2])
        if match:
            upload_id = match[1].decode()
            upload = s3._multipart_uploads[upload_id]
            upload["object_lock"] = {
                name: value
                for name, value in headers.items()
                if name.startswith("x-amz-object-lock-")
            }
            store.create(s3.get_account_id(), upload_id, upload)
        return answer

    return create


def _writing_first(s3: Any, store: Store, original: Any) -> Any:
    """Write the bytes of a part before the request is handled, which then keeps or drops them."""

    async def handle_request(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        *others: Any,
        **named: Any,
    ) -> Any:
        arguments = method, path, headers, body, query_params, *others
        number, upload_id = s3._qp(query_params, "partNumber"), s3._qp(query_params, "uploadId")
        if (
            method != "PUT"
            or len(body) < HASHED_ASIDE_FROM
            or not (number.isascii() and number.isdecimal() and 1 <= int(number) <= MOST_PARTS)
            or upload_id not in s3._multipart_uploads
        ):
            return await original(*arguments, **named)
        place = store.place(s3.get_account_id(), upload_id, int(number), len(body))
        # Without an upload any more there is no folder either; the answer will say so.
        with suppress(FileNotFoundError):
            await asyncio.get_running_loop().run_in_executor(threads, place.write, body)
        token = _written.set((body, place))
        try:
            return await original(*arguments, **named)
        finally:
            if _written.get() is not None:
                store.give_up(place)
            _written.reset(token)

    return handle_request


def _keeping_part(s3: Any, store: Store, original: Any) -> Any:
    def upload_part(
        bucket_name: str, key: str, body: bytes, query: dict[str, Any], headers: dict[str, str]
    ) -> Answer:
        answer: Answer = original(bucket_name, key, body, query, headers)
        _store_new_part(s3, store, query, answer)
        return answer

    return upload_part


def _keeping_part_copy(s3: Any, store: Store) -> Any:
    original = s3._upload_part_copy

    def upload_part_copy(
        bucket_name: str, key: str, query: dict[str, Any], headers: dict[str, str]
    ) -> Answer:
        answer: Answer = original(bucket_name, key, query, headers)
        _store_new_part(s3, store, query, answer)
        return answer

    return upload_part_copy


def _store_new_part(s3: Any, store: Store, query: dict[str, Any], answer: Answer) -> None:
    if answer[0] != 200:  # noqa: PLR2004
        return
    upload_id = s3._qp(query, "uploadId")
    number = int(s3._qp(query, "partNumber"))
    upload = s3._multipart_uploads[upload_id]
    part = upload["parts"][number]
    algorithm = upload.get("checksum_algorithm")
    if algorithm and "checksums" not in part:
        value = s3._compute_s3_checksum(algorithm, part["body"])
        part["checksums"] = {algorithm: value}
    written = _written.get()
    place = written[1] if written is not None and written[0] is part["body"] else None
    store.add(s3.get_account_id(), upload_id, number, part, place)
    if place is not None:
        _written.set(None)  # it is kept


def _aborting(s3: Any, store: Store) -> Any:
    original = s3._abort_multipart_upload

    def abort(bucket_name: str, key: str, query: dict[str, Any]) -> Answer:
        answer: Answer = original(bucket_name, key, query)
        if answer[0] == 204:  # noqa: PLR2004
            store.remove(s3.get_account_id(), s3._qp(query, "uploadId"))
        return answer

    return abort


def _resetting(original: Any, store: Store) -> Any:
    def reset() -> None:
        original()
        store.clear()

    return reset
