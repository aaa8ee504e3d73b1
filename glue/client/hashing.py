"""The digests of a file: of the whole and of each part, in one reading."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from glue.client.retries import StoppedError
from glue.client.scan import changed_file
from glue.recordings.manifest import FileEntry, part_count

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from typing import BinaryIO

    from glue.client.scan import LocalFile

BLOCK = 512 * 1024  # bytes read at once


def hash_content(name: str, content: bytes, part_size: int) -> FileEntry:
    """Return the entry of a file that is in memory."""
    parts = tuple(
        hashlib.sha256(content[start : start + part_size]).hexdigest()
        for start in range(0, max(1, len(content)), part_size)
    )
    return FileEntry(
        name=name,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        part_size=part_size,
        parts=parts,
    )


def hash_part(file: BinaryIO, start: int, length: int) -> str:
    """Return the digest of a part as it is on disk now."""
    digest, end = hashlib.sha256(), start + length
    while start < end and (block := os.pread(file.fileno(), min(BLOCK, end - start), start)):
        digest.update(block)
        start += len(block)
    return digest.hexdigest()


def hash_file(
    local: LocalFile,
    part_size: int,
    stop: threading.Event,
    moved: Callable[[int], None] = lambda _: None,
) -> FileEntry:
    """Return the entry of a file; `part_size` in bytes.

    Raises `InputError` when the file changes meanwhile, `StoppedError` when `stop` is set.
    """
    try:
        with local.path.open("rb", buffering=0) as file:
            if local.changed(os.fstat(file.fileno())):
                raise changed_file(local.name)
            blocks = _blocks(file, local.size, part_size)
            if part_count(local.size, part_size) == 1:
                whole, parts = _hash_small(blocks, stop, moved)
            else:
                whole, parts = _hash_large(blocks, part_size, stop, moved)
            if local.changed(os.fstat(file.fileno())):
                raise changed_file(local.name)
        if local.changed(local.path.stat()):  # another file may have taken its name
            raise changed_file(local.name)
    except FileNotFoundError as error:
        raise changed_file(local.name) from error
    return FileEntry(
        name=local.name, size=local.size, sha256=whole, part_size=part_size, parts=tuple(parts)
    )


def _blocks(file: BinaryIO, size: int, part_size: int) -> Iterator[memoryview]:
    """Yield the first `size` bytes; a file that grows as fast as it is read must come to an end.

    Two buffers take turns: a block stays as it is until the next but one is asked for. No block
    spans two parts.
    """
    buffers = (memoryview(bytearray(BLOCK)), memoryview(bytearray(BLOCK)))
    position = turn = 0
    while position < size:
        room = min(BLOCK, part_size - position % part_size, size - position)
        count = file.readinto(buffers[turn][:room])  # type: ignore[attr-defined]
        if not count:
            return  # it has shrunk, which its size will tell
        yield buffers[turn][:count]
        position += count
        turn = 1 - turn


def _hash_small(
    blocks: Iterator[memoryview], stop: threading.Event, moved: Callable[[int], None]
) -> tuple[str, list[str]]:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
        moved(len(block))
        if stop.is_set():
            raise StoppedError
    return digest.hexdigest(), [digest.hexdigest()]


def _hash_large(
    blocks: Iterator[memoryview],
    part_size: int,
    stop: threading.Event,
    moved: Callable[[int], None],
) -> tuple[str, list[str]]:
    """Hash the whole here and the parts in a second thread: hashlib leaves Python meanwhile."""
    whole, part, parts, position = hashlib.sha256(), hashlib.sha256(), list[str](), 0
    pending: Future[None] | None = None
    with ThreadPoolExecutor(1, "hash-parts") as second:
        for block in blocks:
            if pending is not None:
                pending.result()
                if position % part_size == 0:
                    parts.append(part.hexdigest())
                    part = hashlib.sha256()
            pending = second.submit(part.update, block)
            whole.update(block)
            position += len(block)
            moved(len(block))
            if stop.is_set():
                raise StoppedError
    parts.append(part.hexdigest())
    return whole.hexdigest(), parts
