"""(c) Queries by the API with 1,000, 10,000 and 100,000 recordings in PostgreSQL."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg

from tests.bench.measure import Figure, percentile

if TYPE_CHECKING:
    from tests.platform import Platform

SIZES = (1_000, 10_000, 100_000)
QUERIES = 240
MODELS = ("Neuropixels 1.0", "Neuropixels 2.0", "MED64 Presto", "OpenBCI Cyton")
LIMIT_GROWTH = 2.0


def questions(source: random.Random, size: int) -> list[str]:
    """Return the mix: rare and common values, numbers and texts, ranges, pages, combinations."""
    subject, day = source.randrange(size // 20), source.randrange(1, 29)
    return [
        f"where=subject = 'mouse-{subject}'",
        "where=subject_fatigue >= 3",
        f"where=weight > {source.uniform(19.0, 29.9):.4f}&where=subject_fatigue = 5",
        f"where=serial = {source.randrange(size)}",
        f"where=hardware_model contains Neuropixels&since=2025-03-{day:02}T00:00:00Z",
        f"where=serial >= {source.randrange(size)}&where=serial exists&limit=20",
    ]


def _fill(connection: psycopg.Connection[Any], first: int, last: int) -> None:
    """Add recordings with twelve attributes and four objects each, numbered first to last."""
    source = random.Random(first)
    with connection.cursor() as cursor:
        with cursor.copy(
            "copy recording (recording, device, state, recorded_at, changed_at) from stdin"
        ) as rows:
            for n in range(first, last):
                moment = f"2025-{n % 12 + 1:02}-{n % 28 + 1:02}T{n % 24:02}:00:00Z"
                rows.write_row((f"load_{n:06}", "rig-load", "processed", moment, moment))
        with cursor.copy("copy attribute (recording, name, number, text) from stdin") as rows:
            for n in range(first, last):
                values: dict[str, float | str] = {
                    "subject": f"mouse-{n % max(1, last // 20)}",
                    "subject_fatigue": source.randint(0, 5),
                    "hardware_model": source.choice(MODELS),
                    "serial": n,
                    "weight": source.uniform(18, 30),
                    "sampling_rate": source.choice((20_000, 30_000)),
                    **{f"channel_{i}": source.random() for i in range(5)},
                    "notes": source.choice(("calm", "moved", "50 % light")),
                }
                for name, value in values.items():
                    is_text = isinstance(value, str)
                    rows.write_row(
                        (f"load_{n:06}", name, *((None, value) if is_text else (value, None)))
                    )
        columns = "recording, key, kind, size, sha256, version_id, step"
        with cursor.copy(f"copy object ({columns}) from stdin") as rows:
            for n in range(first, last):
                for file in ("a.bin", "session.txt"):
                    for kind, step in (("raw", None), ("processed", "copy-1")):
                        key = f"load_{n:06}/{step or 'raw'}/{file}"
                        rows.write_row((f"load_{n:06}", key, kind, 1, "0" * 64, "v", step))


def _times(platform: Platform, size: int) -> list[float]:
    researcher = platform.credentials("bench-researcher", "researchers")
    source, taken = random.Random(size), []
    for _ in range(QUERIES // 6):
        for question in questions(source, size):
            path = f"/recordings?{quote(question, safe='=&')}"
            began = time.perf_counter()
            answer = platform.call("GET", path, **researcher)
            taken.append(time.perf_counter() - began)
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer}")
    return taken


def measure(platform: Platform) -> list[Figure]:
    """Fill the catalogue step by step and ask the same mix at each size."""
    where = json.loads((platform.build / "local" / "cloud.json").read_text())["postgres"]
    password = json.loads((platform.build / "local" / "secrets.json").read_text())["catalogue"]
    figures, worst, before = [], [], 0
    with psycopg.connect(
        host=where["host"], port=where["port"], dbname=where["database"], user=where["user"],
        password=password, autocommit=True,
    ) as connection:  # fmt: skip
        try:
            for size in SIZES:
                _fill(connection, before, size)
                before = size
                connection.execute("analyze")
                _times(platform, size)  # warm: the function, the connection, the cache
                taken = [one * 1000 for one in _times(platform, size)]
                worst.append(percentile(taken, 95))
                figures.append(
                    Figure(
                        f"query, {size:,} recordings",
                        f"p50 {percentile(taken, 50):.0f} ms, p95 {worst[-1]:.0f} ms",
                    )
                )
        finally:
            for table in ("object", "attribute", "recording"):
                connection.execute(f"delete from {table} where recording like 'load\\_%'")
            connection.execute("vacuum analyze")
    growth = worst[-1] / worst[0]
    figures.append(
        Figure(
            f"p95, {SIZES[-1]:,} over {SIZES[0]:,} recordings", f"{growth:.2f} x",
            f"≤ {LIMIT_GROWTH:.0f} x", growth <= LIMIT_GROWTH,
        )
    )  # fmt: skip
    return figures
