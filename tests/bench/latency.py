"""(b) From the last byte of a recording to its being found by a query."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.bench.measure import Figure, percentile

if TYPE_CHECKING:
    from tests.platform import Platform

RECORDINGS = 50
POLL_SECONDS = 0.02
LIMIT_SECONDS = 60


def measure(platform: Platform) -> list[Figure]:
    """Ship small recordings one by one and ask for each until the query finds it."""
    profile = str(platform.profile("bench-rig", "shippers"))
    researcher = platform.credentials("bench-researcher", "researchers")
    start, taken = datetime(2026, 1, 2, tzinfo=UTC), []
    for number in range(RECORDINGS):
        name = f"{start + timedelta(seconds=number):%Y%m%d_%H%M%S}_latency"
        folder = platform.build / "bench" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data.bin").write_bytes(number.to_bytes(4, "big") * 16_384)
        (folder / "session.txt").write_text(f"latency_number: {number}\nsubject: mouse\n")
        # The command ends when S3 has taken the last byte.
        result = platform.glue("recordings", "ship", str(folder), PROVING_GROUND_PROFILE=profile)
        began = time.perf_counter()
        while True:
            answer = platform.call(
                "GET", f"/recordings?where=latency_number%20%3D%20{number}", **researcher
            )
            if answer.status == 200 and answer.body["recordings"]:
                break
            if time.perf_counter() - began > LIMIT_SECONDS:
                raise RuntimeError(f"{name} is not found: {json.dumps(answer.body)} {result}")
            time.sleep(POLL_SECONDS)
        taken.append(time.perf_counter() - began)
    median, worst = percentile(taken, 50), percentile(taken, 95)
    return [
        Figure(f"last byte → findable, median of {RECORDINGS}", f"{median:.2f} s"),
        Figure(f"last byte → findable, p95 of {RECORDINGS}", f"{worst:.2f} s", "≤ 3 s", worst <= 3),
    ]
