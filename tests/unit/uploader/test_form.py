"""The form's file, which somebody else writes and renews."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from glue.uploader.form import NoForm, read_form

if TYPE_CHECKING:
    from pathlib import Path

GOOD: dict[str, Any] = {
    "address": "https://bucket.s3.eu-central-1.amazonaws.com/",
    "fields": {"policy": "SECRET", "x-amz-signature": "SECRET"},
    "prefix": "99/attempt-1/",
    "largest_bytes": 1000,
}


def read(path: Path, content: object) -> Any:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_form(path)


def test_a_form_is_read_through_the_link_that_kubernetes_makes(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data/form.json").write_text(json.dumps(GOOD))
    (tmp_path / "form.json").symlink_to("..data/form.json")
    form = read_form(tmp_path / "form.json")
    assert form.address.hostname == "bucket.s3.eu-central-1.amazonaws.com"
    assert dict(form.fields) == GOOD["fields"]
    assert (form.prefix, form.largest_bytes) == ("99/attempt-1/", 1000)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/b", "http://localhost:9/b", "http://[::1]/"]
)
def test_plain_http_goes_to_this_machine(tmp_path: Path, address: str) -> None:
    assert read(tmp_path / "f", GOOD | {"address": address}).address.scheme == "http"


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "http://bucket.s3.amazonaws.com/"},
        {"address": "http://127.0.0.1.example.com/"},
        {"address": "http://10.0.0.1/"},
        {"address": "ftp://127.0.0.1/"},
        {"address": "https:///nowhere"},
        {"address": 7},
        {"fields": {"policy": 7}},
        {"fields": {"key": "elsewhere/file"}},
        {"fields": {"file": "x"}},
        {"fields": {'a"; x="': "b"}},
        {"fields": {"a\r\nb": "b"}},
        {"fields": ["policy"]},
        {"prefix": "99/attempt-1"},
        {"prefix": "${filename}/"},
        {"prefix": 7},
        {"largest_bytes": "7"},
        {"largest_bytes": True},
    ],
)
def test_what_is_no_form_is_refused_without_telling_secrets(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(NoForm) as refused:
        read(tmp_path / "f", GOOD | wrong)
    assert "SECRET" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("content", ["", "{", '{"address"', "[]", "null", "[" * 100_000, "{}"])
def test_half_a_form_is_none(tmp_path: Path, content: str) -> None:
    with pytest.raises(NoForm, match="holds no form"):
        read(tmp_path / "f", content)


def test_a_file_that_is_missing_or_far_too_large(tmp_path: Path) -> None:
    with pytest.raises(NoForm, match="FileNotFoundError"):
        read_form(tmp_path / "missing")
    with pytest.raises(NoForm, match="more than"):
        read(tmp_path / "f", " " * 300_000)
