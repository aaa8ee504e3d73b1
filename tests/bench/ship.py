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


def _write_recording(folder: Path, sizes: dict[str, int]) -> None:
    folder.mkdir(parents=True)
    source = random.Random(600)
    for name, megabytes in sizes.items():
        with (folder / name).open("wb") as file:
            for _ in range(megabytes):
                file.write(source.randbytes(1_000_000))
    (folder / "session.txt").write_text("subject: mouse-600\nsubject_fatigue: 3\n")


def _best(runs: list[Run]) -> str:
    seconds = ", ".join(f"{one.seconds:.1f}" for one in runs)
    return f"{seconds} s, peak {max(one.peak_mebibytes for one in runs):.0f} MiB"


def measure(platform: Platform) -> list[Figure]:
    """Ship and copy the same bytes to the same endpoint in turn, several times.

    Each begins with nothing left to do for the platform, or for the disk, from the one before;
    a first small folder of each starts the functions and fills the file cache.
    """
    origin = platform.build / "bench" / "600"
    if not origin.exists():
        _write_recording(origin, FILE_MEGABYTES)
        _write_recording(origin.with_name("1"), {"nidq.bin": 1})
    bucket = "bench-peer"
    client = platform.client("s3")
    client.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    shipping = platform.variables | {
        "PROVING_GROUND_PROFILE": str(platform.profile("bench-rig", "shippers"))
    }
    aws = platform.variables | {
        "AWS_ENDPOINT_URL": platform.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    ours, peers = [], []
    for number in range(ROUNDS + 1):
        # A name of its own for each round; hard links, so that the bytes are the same.
        folder = platform.build / "bench" / f"20260101_00000{number}_bench"
        shutil.rmtree(folder, ignore_errors=True)
        source = origin if number else origin.with_name("1")
        shutil.copytree(source, folder, copy_function=os.link)
        os.sync()
        peer = run(
            [Path(sys.executable).parent / "aws", "s3", "cp", "--recursive", "--quiet",
             folder, f"s3://{bucket}/{folder.name}"],
            aws, ROOT,
        )  # fmt: skip
        for found in client.list_objects_v2(Bucket=bucket).get("Contents", []):
            client.delete_object(Bucket=bucket, Key=found["Key"])
        os.sync()
        own = run([*GLUE, "recordings", "ship", str(folder)], shipping, ROOT)
        platform.settled([folder.name])
        if number:
            peers.append(peer)
            ours.append(own)
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
