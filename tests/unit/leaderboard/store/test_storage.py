"""The bucket: a form good for one prefix and nothing else, and results that come whole."""

from __future__ import annotations

import base64
import json
from typing import Any

import boto3
import pytest
from botocore.config import Config

from glue.leaderboard.results.merge import merge
from glue.leaderboard.storage import FORM_SECONDS, LARGEST_FILE_BYTES, Storage
from tests.unit.leaderboard.store.ground import BUCKET, REGION, Ground


def signing(session_token: str | None = "session") -> Storage:
    """Return storage whose client signs as a function's does."""
    client = boto3.client(
        "s3",
        region_name=REGION,
        aws_access_key_id="key-id",
        aws_secret_access_key="secret-key",
        aws_session_token=session_token,
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )
    return Storage(client, BUCKET)


def policy_of(form: dict[str, Any]) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(base64.b64decode(form["fields"]["policy"]))
    return policy


def test_a_form_is_for_one_attempt() -> None:
    form = signing().form(99, 1)
    assert form["address"] == f"https://{BUCKET}.s3.{REGION}.amazonaws.com/"
    assert form["prefix"] == "99/attempt-1/"
    assert form["largest_bytes"] == LARGEST_FILE_BYTES
    signed = {
        "policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature",
        "x-amz-security-token",
    }  # fmt: skip
    assert set(form["fields"]) == signed
    conditions = policy_of(form)["conditions"]
    # S3 refuses each field beside these: none may choose access, redirect, class, type or tags.
    named = [next(iter(c)) if isinstance(c, dict) else c[1] for c in conditions]
    assert sorted(map(str, named)) == sorted(
        ["0", "$key", "bucket", *(signed - {"policy", "x-amz-signature"})]
    )
    assert ["content-length-range", 0, LARGEST_FILE_BYTES] in conditions
    assert ["starts-with", "$key", "99/attempt-1/"] in conditions
    assert {"bucket": BUCKET} in conditions
    assert "secret-key" not in json.dumps(form)


def test_a_form_lives_as_long_as_asked(ground: Ground) -> None:
    from datetime import UTC, datetime, timedelta

    for seconds in (FORM_SECONDS, 60):
        ends = policy_of(signing().form(99, 1, seconds))["expiration"]
        left = datetime.fromisoformat(ends) - datetime.now(UTC)
        assert timedelta(seconds=seconds - 60) < left <= timedelta(seconds=seconds)


def test_prefixes_of_neighbours_differ() -> None:
    """Nothing that begins like one form's prefix belongs to another submission or attempt."""
    prefixes = [
        signing().form(submission, attempt)["prefix"]
        for submission in (9, 99, 999)
        for attempt in (1, 2, 11)
    ]
    assert not [
        (a, b) for a in prefixes for b in prefixes if a is not b and (a.startswith(b) or a == b)
    ]


def test_files_of_workers(ground: Ground) -> None:
    for key, body in {
        "99/attempt-1/worker-1/results/simulation_results.json": b"{}",
        "99/attempt-1/worker-3/results/simulation_results.json": b"",
        "99/attempt-2/worker-2/results/simulation_results.json": b"another attempt's",
    }.items():
        ground.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    assert ground.storage.worker_files(99, 1, 4) == [b"{}", None, b"", None]
    assert ground.storage.worker_files(98, 1, 2) == [None, None]


def test_a_file_too_large_for_results(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("storage", "results.reading"):
        monkeypatch.setattr(f"glue.leaderboard.{module}.LARGEST_RESULTS", 100)
    for worker, size in ((1, 100), (2, 5000), (3, 10)):
        key = f"99/attempt-1/worker-{worker}/results/simulation_results.json"
        ground.s3.put_object(Bucket=BUCKET, Key=key, Body=b" " * size)
    files = ground.storage.worker_files(99, 1, 3)
    assert [None if file is None else len(file) for file in files] == [100, 101, None]
    verdict = merge([file or b"" for file in files], 3, 36, "1.0")
    assert verdict.outcome == "unusable"
    assert "more than 100" in verdict.reason


def test_other_trouble_is_let_through(ground: Ground) -> None:
    with pytest.raises(ground.s3.exceptions.NoSuchBucket):
        Storage(ground.s3, "another-bucket").worker_files(99, 1, 1)


def test_results_are_written_whole(ground: Ground) -> None:
    address = ground.storage.write_results(99, '{"a": 1}', "[]", "Größe\ud800", "{}")
    assert address == f"s3://{BUCKET}/99/results.json"
    stored = {
        found.key: ground.s3.get_object(Bucket=BUCKET, Key=found.key)
        for found in ground.storage.objects(99)
    }
    assert {key: (found["ContentType"], found["Body"].read()) for key, found in stored.items()} == {
        "99/evalai/metadata.json": ("application/json", b"{}"),
        "99/evalai/results.json": ("application/json", b"[]"),
        "99/evalai/stdout.txt": ("text/plain; charset=utf-8", "Größe?".encode()),
        "99/results.json": ("application/json", b'{"a": 1}'),
    }


def test_objects_of_a_submission_only(ground: Ground) -> None:
    for number in range(1002):
        ground.s3.put_object(Bucket=BUCKET, Key=f"99/attempt-1/{number:04}", Body=b"x")
    ground.s3.put_object(Bucket=BUCKET, Key="991/results.json", Body=b"another's")
    found = ground.storage.objects(99)
    assert len(found) == 1002
    assert found[0].to_dict() == {
        "key": "99/attempt-1/0000",
        "size": 1,
        "modified": found[0].modified,
    }
    assert found[0].modified.endswith("Z")
    assert ground.storage.objects(9) == []
