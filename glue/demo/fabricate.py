"""Make recordings as rigs write them: folders of binaries beside a metadata text file.

The data is made up, and called so; its shape is that of neural probes (16-bit samples in
interleaved channels), its metadata that of three rigs with three different habits.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The design document's own example: a name in the form of a date that no calendar has.
IMPOSSIBLE_DATE = "20210229_161221"
# Raw data never changes, so this one is the same in every run, whatever size was asked for.
IMPOSSIBLE_DATE_BYTES = 2_000_000
HARDWARE_MODELS = ("Neuropixels 1.0", "Neuropixels 2.0", "MED64 Presto", "OpenBCI Cyton")
NUMBER_OF_RECORDINGS = 12
BROKEN_METADATA, BROKEN_MANIFEST, SHIPPED_TWICE = 6, 7, 9  # which of them have a flaw
DATA_FILES = ("imec0.ap.bin", "imec0.lf.bin", "nidq.bin")


@dataclass(frozen=True)
class Fabricated:
    """One recording on disk, and what the platform must make of it.

    `expected_state` is the catalogue's state in the end, `flaw` says what is wrong with it
    ("" when nothing is), `attributes` is what a query must find.
    """

    name: str
    rig: str
    folder: Path
    attributes: dict[str, float | str]
    recorded_at: datetime | None
    expected_state: str = "processed"
    flaw: str = ""
    files: tuple[str, ...] = field(default=DATA_FILES)


def _text(attributes: dict[str, float | str], separator: str) -> str:
    return "".join(f"{name}{separator}{value}\n" for name, value in attributes.items())


def write_metadata(folder: Path, rig: str, attributes: dict[str, float | str]) -> str:
    """Write the metadata as that rig does, and return the file's name.

    rig-a writes `key: value`, rig-b SpikeGLX's `key=value` with CRLF line ends, rig-c JSON.
    """
    if rig == "rig-a":
        name, content = "session.txt", "# written by the rig\n" + _text(attributes, ": ")
    elif rig == "rig-b":
        name, content = "session.meta", _text(attributes, "=").replace("\n", "\r\n")
    else:
        name, content = "session.json", json.dumps(attributes, indent=2)
    (folder / name).write_bytes(content.encode())
    return name


def _write_data(folder: Path, seed: str, size_bytes: int) -> None:
    """Fill the data files with noise that the seed determines; the first is the largest."""
    source = random.Random(seed)  # noqa: S311 (noise, not a secret)
    for name, share in zip(DATA_FILES, (0.8, 0.15, 0.05), strict=True):
        remaining = max(2, int(size_bytes * share) // 2 * 2)
        with (folder / name).open("wb") as file:
            while remaining:
                block = source.randbytes(min(remaining, 1 << 20))
                file.write(block)
                remaining -= len(block)


def fabricate(root: Path, run: str, size_bytes: int, start: datetime) -> list[Fabricated]:
    """Make a dozen recordings under `root`, about `size_bytes` each, and say what to expect.

    All but the one of the impossible date carry `demo_run = run`, so that a question can be
    asked about this run alone. The same arguments give the same bytes.
    """
    source = random.Random(run)  # noqa: S311 (made up, not a secret)
    made = []
    for number in range(NUMBER_OF_RECORDINGS):
        rig = ("rig-a", "rig-b", "rig-c")[number % 3]
        recorded_at: datetime | None = (start + timedelta(minutes=7 * number)).replace(
            microsecond=0, tzinfo=UTC
        )
        name = f"{recorded_at:%Y%m%d_%H%M%S}_{rig}"
        attributes: dict[str, float | str] = {
            "demo_run": run,
            "subject": f"mouse-{source.randint(100, 120)}",
            "subject_fatigue": source.randint(0, 5),
            "hardware_model": HARDWARE_MODELS[number % len(HARDWARE_MODELS)],
            "sampling_rate": source.choice((20000, 30000)),
            "temperature": round(source.uniform(35.5, 38.0), 1),
            "notes": source.choice(("calm", "moved twice; see video", "50 % light")),
        }
        state, flaw, seed, size = "processed", "", f"{run}-{number}", size_bytes
        if number == 0:
            name, recorded_at, seed = IMPOSSIBLE_DATE, None, IMPOSSIBLE_DATE
            size = IMPOSSIBLE_DATE_BYTES
            attributes = {
                "subject": "mouse-107",
                "subject_fatigue": 4,
                "hardware_model": "Neuropixels 1.0",
                "sampling_rate": 30000,
                "temperature": 36.6,
            }
        elif number == BROKEN_METADATA:
            attributes["subject_fatigue"] = "NaN"
            state, flaw = "quarantined", "broken metadata"
        elif number == BROKEN_MANIFEST:
            state, flaw = "quarantined", "a file differs from its manifest"
        elif number == SHIPPED_TWICE:
            flaw = "shipped twice"
        folder = root / rig / name
        folder.mkdir(parents=True)
        _write_data(folder, seed, size)
        metadata = write_metadata(folder, rig, attributes)
        made.append(
            Fabricated(
                name, rig, folder, attributes, recorded_at, state, flaw, (*DATA_FILES, metadata)
            )
        )
    return made
