"""(a) One 600 MB recording: `glue recordings ship` beside `aws s3 cp --recursive`."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.measure import Figure, Run, run
from tests.platform import GLUE, ROOT

if TYPE_CHECKING:
    from tests.platform import Platform

ROUNDS = 3
FILE_MEGABYTES = {"imec0.ap.bin": 450, "imec0.lf.bin": 120, "nidq.bin": 30}


def _write_recording(folder: Path) -> None:
    folder.mkdir(parents=True)
    source = random.Random(600)
    for name, megabytes in FILE_MEGABYTES.items():
        with (folder / name).open("wb") as file:
            for _ in range(megabytes):
                file.write(source.randbytes(1_000_000))
    (folder / "session.txt").write_text("subject: mouse-600\nsubject_fatigue: 3\n")


def _best(runs: list[Run]) -> str:
    seconds = ", ".join(f"{one.seconds:.1f}" for one in runs)
    return f"{seconds} s, peak {max(one.peak_mebibytes for one in runs):.0f} MiB"


def measure(platform: Platform) -> list[Figure]:
    """Ship and copy the same bytes to the same endpoint in turn, several times."""
    origin = platform.build / "bench" / "600"
    if not origin.exists():
        _write_recording(origin)
    bucket = "bench-peer"
    client = platform.client("s3")
    client.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    profile = str(platform.profile("bench-rig", "shippers"))
    ours, peers = [], []
    aws = platform.variables | {
        "AWS_ENDPOINT_URL": platform.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    for number in range(ROUNDS):
        # A name of its own for each round; hard links, so that the bytes are the same.
        folder = platform.build / "bench" / f"20260101_00000{number}_bench"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(origin, folder, copy_function=os.link)
        peers.append(
            run(
                [Path(sys.executable).parent / "aws", "s3", "cp", "--recursive", "--quiet",
                 folder, f"s3://{bucket}/{folder.name}"],
                aws, ROOT,
            )
        )  # fmt: skip
        ours.append(
            run(
                [*GLUE, "recordings", "ship", str(folder)],
                platform.variables | {"PROVING_GROUND_PROFILE": profile},
                ROOT,
            )
        )
        for found in client.list_objects_v2(Bucket=bucket).get("Contents", []):
            client.delete_object(Bucket=bucket, Key=found["Key"])
    ratio = statistics.median(
        peer.seconds / own.seconds for own, peer in zip(ours, peers, strict=True)
    )
    memory = max(r.peak_mebibytes for r in ours) / max(r.peak_mebibytes for r in peers)
    return [
        Figure("glue recordings ship, 600 MB", _best(ours)),
        Figure("aws s3 cp --recursive, 600 MB", _best(peers)),
        Figure("speed over aws s3 cp (median of rounds)", f"{ratio:.2f} x", "≥ 1.00 x", ratio >= 1),
        Figure("peak memory over aws s3 cp", f"{memory:.2f} x", "≤ 0.50 x", memory <= 0.5),
    ]
