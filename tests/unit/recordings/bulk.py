"""Fills a PostgreSQL catalogue with many recordings at once, for plans and benchmarks."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from glue.recordings.catalogue.engine import Engine
from glue.recordings.catalogue.schema import make_schema

MODELS = ("Neuropixels 2.0", "Neuropixels 1.0", "Tetrode", "EEG cap", "ECoG grid")
START = datetime(2021, 3, 1, tzinfo=UTC)


def attributes_of(number: int) -> list[tuple[str, float | None, str | None, str | None]]:
    """Return the 12 attributes of the recording with this number, the same every time."""
    draw = random.Random(number)
    return [
        ("subject_fatigue", float(draw.randint(0, 10)), None, None),
        ("temperature", round(draw.gauss(36.6, 0.4), 2), None, "C"),
        ("sampling_rate", 30000.0, None, "Hz"),
        ("channels", float(draw.choice((32, 64, 384))), None, None),
        ("duration", round(draw.uniform(60, 7200), 1), None, "s"),
        ("trial_count", float(number), None, None),
        ("hardware", None, draw.choice(MODELS), None),
        ("subject", None, f"mouse-{draw.randint(0, 400):03}", None),
        ("experimenter", None, draw.choice(("Ada", "Ben", "Cleo", "Dan")), None),
        ("task", None, draw.choice(("rest", "maze", "lever")), None),
        ("notes", None, f"run {number} went well" if number % 7 else "seizure seen", None),
        ("serial", None, f"SN-{number:08}", None),
    ]


def load_recordings(  # noqa: C901 - three tables
    connection: psycopg.Connection[Any], engine: Engine, first: int, count: int
) -> None:
    """Make the recordings numbered `first` to `first + count - 1`, and fresh statistics."""
    make_schema(engine)
    numbers = range(first, first + count)

    def name(number: int) -> str:
        return f"rig-{number % 7}_{(START + timedelta(seconds=number * 97)):%Y%m%d_%H%M%S}"

    def recordings() -> Iterator[tuple[object, ...]]:
        for number in numbers:
            time = START + timedelta(seconds=number * 97)
            yield name(number), f"rig-{number % 7}", "processed", time, time

    def attributes() -> Iterator[tuple[object, ...]]:
        for number in numbers:
            for attribute in attributes_of(number):
                yield name(number), *attribute

    def objects() -> Iterator[tuple[object, ...]]:
        for number in numbers:
            for kind, step in (("raw", None), ("processed", "copy-1")):
                key = f"{name(number)}/{step}/a.bin" if step else f"{name(number)}/a.bin"
                yield name(number), key, kind, 1000, f"{number:064x}", f"v{number}", step, "v"

    with connection.cursor() as cursor:
        for columns, rows in (
            ("recording (recording, device, state, recorded_at, changed_at)", recordings()),
            ("attribute (recording, name, number, text, unit)", attributes()),
            (
                "object (recording, key, kind, size, sha256, version_id, step, source_version_id)",
                objects(),
            ),
        ):
            with cursor.copy(f"copy {columns} from stdin".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
    connection.commit()
    connection.autocommit = True
    connection.execute("vacuum analyze")
