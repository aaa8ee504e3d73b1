"""(e) Draining a backlog of a thousand recordings."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.bench.measure import Figure

if TYPE_CHECKING:
    from tests.platform import Platform

RECORDINGS = 1_000
LIMIT_SECONDS = 900


def put(client: Any, bucket: str, key: str, content: bytes) -> None:
    """Write one object as a presigned upload would: with checksum, and only if it is new."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    client.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*", ChecksumSHA256=digest)


def place(client: Any, bucket: str, name: str, number: int) -> None:
    """Write a small recording straight into the raw bucket."""
    files = {
        "data.bin": number.to_bytes(4, "big") * 256,
        "session.txt": f"backlog_number: {number}\nsubject: mouse\n".encode(),
    }
    listed = [
        {
            "name": file,
            "size": len(content),
            "sha256": (digest := hashlib.sha256(content).hexdigest()),
            "part_size": 16 * 1024 * 1024,
            "parts": [digest],
        }
        for file, content in files.items()
    ]
    manifest = {"schema": 1, "recording": name, "metadata": "session.txt", "files": listed}
    put(client, bucket, f"{name}/data.bin", files["data.bin"])
    put(client, bucket, f"{name}/manifest.json", json.dumps(manifest).encode())
    put(client, bucket, f"{name}/session.txt", files["session.txt"])


def measure(platform: Platform) -> list[Figure]:
    """Hold the ingest function back, write the recordings, let go, wait for the last one."""
    functions = platform.client("lambda")
    recordings = platform.outputs["recordings"]
    name = recordings["functions"]["ingest_recording"]["name"]
    (mapping,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    client, bucket = platform.client("s3"), recordings["raw_bucket"]
    with ThreadPoolExecutor(4) as pool:
        for done in [
            pool.submit(place, client, bucket, f"backlog_{n:04}", n) for n in range(RECORDINGS)
        ]:
            done.result()
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    began, researcher = time.perf_counter(), platform.credentials("bench-researcher", "researchers")
    reached: dict[str, float] = {}
    while set(reached) != {"complete", "processed"}:
        for state, wanted in (
            ("complete", "state=complete&state=processed"),
            ("processed", "state=processed"),
        ):
            # The names sort, so the page after the 999th holds the last one when all are there.
            if state not in reached and _count(platform, wanted, researcher) == RECORDINGS:
                reached[state] = time.perf_counter() - began
        if time.perf_counter() - began > LIMIT_SECONDS:
            raise RuntimeError(f"the backlog is not drained after {LIMIT_SECONDS} s: {reached}")
        time.sleep(1)
    return [
        Figure(
            f"backlog of {RECORDINGS:,} recordings, {state}",
            f"{seconds:.0f} s, {RECORDINGS / seconds:.0f} a second",
        )
        for state, seconds in reached.items()
    ]


def _count(platform: Platform, wanted: str, researcher: dict[str, str]) -> int:
    found, cursor = 0, ""
    where = "where=backlog_number%20exists"
    while True:
        path = f"/recordings?{where}&{wanted}&limit=200{cursor}"
        body = platform.call("GET", path, **researcher).body
        found += len(body["recordings"])
        if body["next"] is None:
            return found
        cursor = f"&cursor={body['next']}"
