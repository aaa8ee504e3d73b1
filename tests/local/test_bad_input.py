"""Bad input of every kind: an error that names the field and the remedy, and nothing lost."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.local.recordings import PART_SIZE, new_name, objects, put, write_folder
from tests.platform import Platform

METADATA = b"subject: mouse\n"
DIGEST = hashlib.sha256(b"x").hexdigest()
BAD_NAMES = {
    "dots": "a..b",
    "parent": "..",
    "slash": "a/b",
    "NUL": "a\0b",
    "300 characters": "a" * 300,
    "non-ASCII": "Aufnahme_ü",
    "empty": "",
    "space": "a b",
    "leading dash": "-a",
}


def refused(result: Any, *words: str) -> None:
    """The command ended with 1, with an error and a remedy and without a traceback."""
    said = result.stdout + result.stderr
    assert result.returncode == 1, said
    assert "error:" in said, said
    assert "what to do:" in said, said
    assert "Traceback" not in said, said
    for word in words:
        assert word in said, (word, said)


def ship(platform: Platform, folder: Path, *options: str) -> Any:
    profile = str(platform.profile("rig-one", "shippers"))
    return platform.glue(
        "recordings", "ship", str(folder), *options, check=False, PROVING_GROUND_PROFILE=profile
    )


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=list(BAD_NAMES))
def test_the_api_refuses_names_that_are_no_names(platform: Platform, name: str) -> None:
    rig = platform.credentials("rig-one", "shippers")
    answer = platform.call("POST", "/recordings", {"recording": name}, **rig)
    assert answer.status == 400, answer
    assert answer.body["field"] == "recording"
    assert answer.body["remedy"]
    file = {"name": name, "size": 1, "sha256": DIGEST, "part_size": PART_SIZE, "parts": [DIGEST]}
    recording = new_name("names")
    assert platform.call("POST", "/recordings", {"recording": recording}, **rig).status < 300
    answer = platform.call("POST", f"/recordings/{recording}/files", file, **rig)
    assert answer.status == 400, answer
    assert "name" in answer.body["field"]
    path = f"/recordings/{quote(name, safe='')}"
    assert platform.call("GET", path, **rig).status in {400, 403, 404, 200 if not name else 400}


@pytest.mark.parametrize("body", [None, [], "text", {}, {"recording": 7}, {"recording": None}])
def test_the_api_refuses_bodies_that_are_not_what_it_wants(platform: Platform, body: Any) -> None:
    rig = platform.credentials("rig-one", "shippers")
    answer = platform.call("POST", "/recordings", body, **rig)
    assert answer.status == 400, answer
    assert answer.body["field"]
    assert answer.body["remedy"]


@pytest.mark.parametrize("name", ["Aufnahme_ü", "a b", "a..b", "a" * 200])
def test_the_shipper_refuses_folders_with_illegal_names(
    platform: Platform, folder: Path, name: str
) -> None:
    made = write_folder(folder, name, {"a.bin": b"a", "session.txt": METADATA})
    refused(ship(platform, made), "recording")
    assert sorted(file.name for file in made.iterdir()) == ["a.bin", "session.txt"]


@pytest.mark.parametrize("name", ["ü.bin", "a b.bin", "a..bin", "x" * 200 + ".bin"])
def test_the_shipper_refuses_files_with_illegal_names(
    platform: Platform, folder: Path, name: str
) -> None:
    files = {name: b"a", "session.txt": METADATA}
    refused(ship(platform, write_folder(folder, new_name("file"), files)), "file")


def test_an_empty_folder(platform: Platform, folder: Path) -> None:
    refused(ship(platform, write_folder(folder, new_name("empty"), {})), "empty")


def test_a_folder_that_is_not_there(platform: Platform, folder: Path) -> None:
    refused(ship(platform, folder / "nowhere"))


def test_a_folder_without_metadata(platform: Platform, folder: Path) -> None:
    refused(ship(platform, write_folder(folder, new_name("bare"), {"a.bin": b"a"})), "metadata")


def test_a_folder_with_two_candidates(platform: Platform, folder: Path) -> None:
    files = {"a.bin": b"a", "one.txt": METADATA, "two.json": b'{"subject": "mouse"}'}
    made = write_folder(folder, new_name("two"), files)
    refused(ship(platform, made), "one.txt", "two.json", "--metadata")
    assert ship(platform, made, "--metadata", "one.txt").returncode == 0


BAD_METADATA = {
    "binary": (b"\x00\x01\xff\xfe" * 100, "text"),
    "50 MB long": (b"key: " + b"x" * 50_000_000, "session.txt"),
    "duplicate keys": (b"subject: a\nsubject: b\n", "subject"),
    "duplicate JSON keys": (b'{"subject": "a", "subject": "b"}', "subject"),
    "NaN": (b"subject: a\nfatigue: NaN\n", "fatigue"),
    "infinity": (b"fatigue=inf\n", "fatigue"),
    "JSON infinity": (b'{"fatigue": -Infinity}', "fatigue"),
    "nested JSON": (b'{"camera": {"model": "x"}}', "camera"),
    "empty": (b"", "session.txt"),
    "no key": (b"subject: a\njust words\n", "2"),
}


@pytest.mark.parametrize(("content", "word"), BAD_METADATA.values(), ids=list(BAD_METADATA))
def test_broken_metadata_is_refused_here_and_quarantined_there(
    platform: Platform, folder: Path, content: bytes, word: str
) -> None:
    made = write_folder(folder, new_name("meta"), {"a.bin": b"raw" * 99, "session.txt": content})
    refused(ship(platform, made), word)
    # Told to ship it all the same, nothing raw is lost, and the catalogue says what is wrong.
    sent = ship(platform, made, "--no-check")
    assert sent.returncode == 0, sent.stdout + sent.stderr
    found = platform.settled([made.name])[made.name]
    assert found["state"] == "quarantined"
    assert word in found["reason"], found["reason"]
    raw = platform.outputs["recordings"]["raw_bucket"]
    stored = platform.client("s3").get_object(Bucket=raw, Key=f"{made.name}/session.txt")
    assert stored["Body"].read() == content


def test_byte_order_mark_and_windows_line_ends_are_read(platform: Platform, folder: Path) -> None:
    content = b"\xef\xbb\xbfsubject: mouse\r\nsubject_fatigue: 3\r\n"
    made = write_folder(folder, new_name("crlf"), {"a.bin": b"a", "session.txt": content})
    assert ship(platform, made).returncode == 0
    found = platform.settled([made.name])[made.name]
    assert found["attributes"] == {"subject": "mouse", "subject_fatigue": 3}


def manifest_of(name: str, files: dict[str, bytes]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(objects(name, files)[f"{name}/manifest.json"])
    return document


@pytest.mark.parametrize("fault", ["size", "sum", "missing", "extra"])
def test_a_manifest_that_differs_from_the_files(
    platform: Platform, folder: Path, fault: str
) -> None:
    name, files = new_name("manifest"), {"a.bin": b"a" * 500, "session.txt": METADATA}
    manifest = manifest_of(name, files)
    if fault == "size":
        manifest["files"][0]["size"] += 1
    elif fault == "sum":
        manifest["files"][0]["sha256"] = manifest["files"][0]["parts"][0] = DIGEST
    elif fault == "missing":
        manifest["files"].append(manifest["files"][0] | {"name": "gone.bin"})
    else:
        manifest["files"] = [one for one in manifest["files"] if one["name"] != "a.bin"]
    content = json.dumps(manifest).encode()
    word = "gone.bin" if fault == "missing" else "a.bin"
    # In a folder: the shipper compares before it sends.
    refused(ship(platform, write_folder(folder, name, files | {"manifest.json": content})), word)
    # In the bucket, past the shipper: ingest compares.
    raw = objects(name, files) | {f"{name}/manifest.json": content}
    for key, body in raw.items():
        put(platform, key, body)
    if fault == "missing":
        found = platform.settled([name], states={"incomplete"})[name]
    else:
        found = platform.settled([name])[name]
        assert found["state"] == "quarantined"
    assert word in found["reason"]


def test_a_file_that_changes_while_it_is_read(platform: Platform, folder: Path) -> None:
    made = write_folder(
        folder, new_name("moving"), {"a.bin": b"a" * 150_000_000, "session.txt": METADATA}
    )
    profile = str(platform.profile("rig-one", "shippers"))
    import subprocess

    from tests.platform import GLUE, ROOT

    with subprocess.Popen(
        [*GLUE, "recordings", "ship", str(made)],
        cwd=ROOT, env=platform.variables | {"PROVING_GROUND_PROFILE": profile}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        while process.poll() is None:
            with (made / "a.bin").open("ab") as file:
                file.write(b"more")
            time.sleep(0.05)
        said = process.stdout.read() if process.stdout else ""
    assert process.returncode == 1, said
    assert "a.bin" in said
    assert "Traceback" not in said
    raw = platform.outputs["recordings"]["raw_bucket"]
    stored = platform.client("s3").list_objects_v2(Bucket=raw, Prefix=f"{made.name}/")
    assert "session.txt" not in str(stored.get("Contents")), "it must not count as complete"


BAD_QUERIES = {
    "unknown operator": ("subject ~ mouse", "where"),
    "unclosed quote": ("subject = 'mouse", "where"),
    "no value": ("subject =", "where"),
    "no operator": ("subject", "where"),
    "order on text": ("subject >= 'mouse'", "where"),
    "too long": ("subject = " + "x" * 10_000, "where"),
}


@pytest.mark.parametrize(("where", "field"), BAD_QUERIES.values(), ids=list(BAD_QUERIES))
def test_a_query_that_cannot_be_read(platform: Platform, where: str, field: str) -> None:
    researcher = platform.credentials("reader", "researchers")
    answer = platform.call("GET", f"/recordings?where={quote(where)}", **researcher)
    assert answer.status == 400, answer
    assert field in answer.body["field"]
    assert answer.body["remedy"]
    profile = str(platform.profile("reader", "researchers"))
    found = platform.glue(
        "recordings", "find", "--where", where, check=False, PROVING_GROUND_PROFILE=profile
    )
    refused(found)


def test_a_type_clash_names_the_attribute(platform: Platform, folder: Path) -> None:
    files = {"a.bin": b"a", "session.txt": b"clash_number: 3\nclash_text: three\n"}
    made = write_folder(folder, new_name("clash"), files)
    assert ship(platform, made).returncode == 0
    platform.settled([made.name])
    researcher = platform.credentials("reader", "researchers")
    for where, name in (
        ("clash_number = 'three'", "clash_number"),
        ("clash_text > 3", "clash_text"),
    ):
        answer = platform.call("GET", f"/recordings?where={quote(where)}", **researcher)
        assert answer.status == 400, answer
        assert name in answer.body["message"] + answer.body["field"]


@pytest.mark.parametrize(
    "value",
    ["'; DROP TABLE recording; --", "' OR '1'='1", "%' OR 1=1 --", "\\'; SELECT 1; --", "$$;$$"],
)
def test_sql_in_a_value_is_text(platform: Platform, value: str) -> None:
    researcher = platform.credentials("reader", "researchers")
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    for operator in ("=", "!=", "contains"):
        where = quote(f"subject {operator} {quoted}")
        answer = platform.call("GET", f"/recordings?where={where}", **researcher)
        assert answer.status == 200, answer
        if operator != "!=":
            assert answer.body["recordings"] == []
    assert platform.call("GET", "/recordings", **researcher).status == 200


@pytest.mark.parametrize(
    "parameters",
    ["limit=0", "limit=99999999999999999999", "limit=ten", "since=yesterday", "state=lost",
     "cursor=junk", "cursor=%00", "cursor=" + "A" * 5000, "until=2026-13-01"],
)  # fmt: skip
def test_parameters_that_mean_nothing(platform: Platform, parameters: str) -> None:
    researcher = platform.credentials("reader", "researchers")
    answer = platform.call("GET", f"/recordings?{parameters}", **researcher)
    assert answer.status == 400, answer
    assert answer.body["field"] == parameters.split("=", maxsplit=1)[0]
    assert answer.body["remedy"]


def test_a_cursor_that_was_tampered_with(platform: Platform) -> None:
    for number in range(3):
        name = new_name(f"page{number}")
        raw = objects(name, {"a.bin": b"a", "session.txt": b"cursor_test: 1\n"})
        for key, body in raw.items():
            put(platform, key, body)
        platform.settled([name])
    researcher = platform.credentials("reader", "researchers")
    query = "/recordings?where=cursor_test%20%3D%201&limit=1"
    cursor = platform.call("GET", query, **researcher).body["next"]
    assert platform.call("GET", f"{query}&cursor={cursor}", **researcher).status == 200
    for at in range(0, len(cursor), 5):
        other = "A" if cursor[at] != "A" else "B"
        forged = cursor[:at] + other + cursor[at + 1 :]
        answer = platform.call("GET", f"{query}&cursor={quote(forged)}", **researcher)
        assert answer.status == 400, (at, answer)
        assert answer.body["field"] == "cursor"
    answer = platform.call("GET", f"/recordings?limit=1&cursor={cursor}", **researcher)
    assert answer.status == 400, "a cursor belongs to the question it came from"
