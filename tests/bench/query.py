"""(c) Queries by the API with 1,000, 10,000 and 100,000 recordings in PostgreSQL."""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg

from glue.recordings.query import Query, parse_conditions, query_digest, write_cursor
from tests.bench.measure import Figure, percentile

if TYPE_CHECKING:
    from tests.platform import Platform

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 14
WARMING_ROUNDS = 3
# A model and the one rate it records with: two common conditions can exclude each other.
MODELS = {
    "Neuropixels 1.0": 30_000,
    "Neuropixels 2.0": 30_000,
    "MED64 Presto": 20_000,
    "OpenBCI Cyton": 250,
}
START = datetime(2024, 3, 1, tzinfo=UTC)
APART = timedelta(minutes=5)  # between two recordings
LIMIT_GROWTH = 2.0


def questions(source: random.Random, size: int) -> dict[str, str]:
    """Return the mix, by name: what a researcher asks for, the easy and the awkward."""
    some, deep = source.randrange(size), f"load_{size * 9 // 10:06}"
    weight, moment = source.uniform(18, 29.9), START + APART * some
    day = f"since={moment:%Y-%m-%dT%H:%M}Z&until={moment + timedelta(days=1):%Y-%m-%dT%H:%M}Z"
    common = "subject_fatigue >= 3"
    digest = query_digest(Query(parse_conditions([common])), "recordings")
    model = source.choice(list(MODELS))
    return {
        "text, rare": f"where=subject = 'mouse-{some // 20}'",
        "text, common": f"where=hardware_model = '{model}'",
        "text, all but one": f"where=hardware_model != '{model}'",
        "contains, common": "where=hardware_model contains Neuropixels",
        "contains, rare": f"where=session contains 'run {some:06}'",
        "contains, never": "where=notes contains seizure",
        "number, rare": f"where=serial = {some}",
        "number, common": f"where={common}",
        "number, never": "where=weight > 1000",
        "range, narrow": f"where=weight >= {weight:.4f}&where=weight < {weight + 0.01:.4f}",
        "range, wide": f"where=weight >= {weight:.4f}&where=weight < {weight + 0.5:.4f}",
        "range, from far on": f"where=serial >= {some}&where=serial exists&limit=20",
        "a day": day,
        "a day and a text": f"where=hardware_model contains Neuropixels&{day}",
        "from a day on, and a text": (
            f"where=hardware_model contains Neuropixels&since={moment:%Y-%m-%d}"
        ),
        "rare and common": f"where=subject = 'mouse-{some // 20}'&where=subject_fatigue >= 1",
        "number and number": f"where=weight > {weight:.4f}&where=subject_fatigue = 5",
        "four, all common": (
            "where=subject_fatigue >= 4&where=weight < 21&where=notes = calm"
            "&where=hardware_model contains Neuropixels"
        ),
        "common, never together": "where=sampling_rate = 250&where=hardware_model = 'MED64 Presto'",
        "contains, rare, and common": (
            f"where=sampling_rate >= 0&where=session contains 'run {some:06}'"
        ),
        "a far page": f"where={common}&cursor={write_cursor([deep], digest)}",
        "objects, common": f"objects?where={common}",
        "objects, rare": f"objects?where=subject = 'mouse-{some // 20}'",
    }


def _fill(connection: psycopg.Connection[Any], first: int, last: int) -> None:
    """Add recordings with twelve attributes and four objects each, numbered first to last."""
    source = random.Random(first)
    with connection.cursor() as cursor:
        with cursor.copy(
            "copy recording (recording, device, state, recorded_at, changed_at) from stdin"
        ) as rows:
            for n in range(first, last):
                moment = START + APART * n
                rows.write_row((f"load_{n:06}", "rig-load", "processed", moment, moment))
        with cursor.copy("copy attribute (recording, name, number, text) from stdin") as rows:
            for n in range(first, last):
                model = source.choice(list(MODELS))
                values: dict[str, float | str] = {
                    "subject": f"mouse-{n // 20}",
                    "subject_fatigue": source.randint(0, 5),
                    "hardware_model": model,
                    "serial": n,
                    "weight": source.uniform(18, 30),
                    "sampling_rate": MODELS[model],
                    **{f"channel_{i}": source.random() for i in range(4)},
                    "notes": source.choice(("calm", "moved", "50 % light")),
                    "session": f"run {n:06} of rig {n % 7}, before noon",
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


def _times(platform: Platform, size: int, rounds: int) -> dict[str, list[float]]:
    """Return how long each question took, in milliseconds, by its name."""
    researcher = platform.credentials("bench-researcher", "researchers")
    source, taken = random.Random(size), defaultdict(list)
    for _ in range(rounds):
        for name, question in questions(source, size).items():
            path = question if question.startswith("objects?") else f"recordings?{question}"
            path = f"/{quote(path, safe='?=&')}"
            began = time.perf_counter()
            answer = platform.call("GET", path, **researcher)
            taken[name].append((time.perf_counter() - began) * 1000)
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
            _times(platform, SIZES[0], 1)  # the first question makes the tables
            for size in SIZES:
                _fill(connection, before, size)
                before = size
                # What autovacuum does by itself a minute after so many rows came at once.
                connection.execute("vacuum analyze")
                _times(platform, size, WARMING_ROUNDS)  # the function, the connection, the cache
                by_name = _times(platform, size, ROUNDS)
                taken = [one for times in by_name.values() for one in times]
                worst.append(percentile(taken, 95))
                slowest = max(by_name, key=lambda name: median(by_name[name]))
                figures.append(
                    Figure(
                        f"query, {size:,} recordings",
                        f"p50 {percentile(taken, 50):.0f} ms, p95 {worst[-1]:.0f} ms; "
                        f"slowest: {slowest} ({median(by_name[slowest]):.0f} ms)",
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
