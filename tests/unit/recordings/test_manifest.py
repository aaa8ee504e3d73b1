import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.errors import InputError
from glue.recordings.manifest import (
    DEFAULT_PART_SIZE,
    LARGEST_FILE,
    LARGEST_PART_SIZE,
    MEBIBYTE,
    MOST_PARTS,
    check_sizes,
    parse_manifest,
    part_count,
    part_size_for,
)
from tests.unit.recordings.samples import files_of, manifest_of


def document() -> dict[str, Any]:
    held: dict[str, Any] = json.loads(manifest_of("r", files_of()))
    return held


def test_a_manifest_comes_back() -> None:
    content = manifest_of("r", files_of())
    manifest = parse_manifest(b"\xef\xbb\xbf" + content, "r")
    assert manifest.to_bytes() == content
    assert manifest.metadata == "session.txt"
    assert [file.name for file in manifest.files] == ["a.bin", "b.bin", "session.txt"]


def change(path: str, value: object) -> dict[str, Any]:
    held = document()
    place: Any = held
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        place = place[step]
    place[last] = value
    return held


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("schema", 2, "schema"),
        ("recording", "q", "lies in 'r'"),
        ("recording", "../r", "contains"),
        ("metadata", "other.txt", "not among the files"),
        ("metadata", "", "empty"),
        ("files", [], "files"),
        ("files", {}, "files"),
        ("files.0.name", "b.bin", "listed twice"),
        ("files.0.name", "manifest.json", "lists itself"),
        ("files.0.name", "a/b", "contains '/'"),
        ("files.0.size", -1, "not a size"),
        ("files.0.size", "10", "files.0.size"),
        ("files.0.size", True, "files.0.size"),
        ("files.0.size", 1.5, "files.0.size"),
        ("files.0.size", 10**30, "S3 can store"),
        ("files.0.sha256", "A" * 64, "sha256"),
        ("files.0.sha256", "a" * 63, "sha256"),
        ("files.0.sha256", "0" * 64, "another digest"),
        ("files.0.part_size", 0, "out of range"),
        ("files.0.part_size", 5 * MEBIBYTE, "out of range"),
        ("files.0.part_size", 10**30, "out of range"),
        ("files.0.parts", [], "parts"),
        ("files.0.parts", ["0" * 64] * 2, "2 digests are given"),
        ("files.0.extra", 1, "extra"),
        ("extra", 1, "extra"),
    ],
)
def test_what_is_wrong_is_named(path: str, value: object, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        parse_manifest(json.dumps(change(path, value)).encode(), "r")
    assert caught.value.field.startswith("manifest.json")


@given(st.binary())
def test_any_bytes_are_refused_politely(content: bytes) -> None:
    with pytest.raises(InputError):
        parse_manifest(content, "r")


@pytest.mark.parametrize(
    "content", [b"[" * 200_000, b"null", b"3", b'{"a":' * 100_000, b"1" * 9999]
)
def test_odd_json(content: bytes) -> None:
    with pytest.raises(InputError):
        parse_manifest(content, "r")


@given(st.integers(0, LARGEST_FILE))
def test_the_part_size_fits_every_file(size: int) -> None:
    part_size = part_size_for(size)
    assert part_size >= DEFAULT_PART_SIZE
    assert part_size % MEBIBYTE == 0
    check_sizes(size, part_size, part_count(size, part_size))


def test_too_many_parts() -> None:
    with pytest.raises(InputError, match="would make"):
        check_sizes(LARGEST_PART_SIZE * MOST_PARTS, 8 * MEBIBYTE, 1)
    with pytest.raises(InputError, match="not a size"):
        check_sizes(LARGEST_FILE + 1, LARGEST_PART_SIZE, 1)
