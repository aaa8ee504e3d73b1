"""From a folder to an answer, by the commands that people use."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.local.recordings import new_name, write_folder
from tests.platform import Platform

FILES = {
    "imec0.ap.bin": bytes(range(256)) * 80_000,
    "nidq.bin": b"\x01\x02" * 5_000,
    "session.meta": b"flow_test=1\nsubject=mouse-7\ntemperature=36.6 C\nserial=007\n",
}


@pytest.fixture(scope="module")
def shipped(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = write_folder(tmp_path_factory.mktemp("flow"), "20210230_090000", FILES)
    profile = str(platform.profile("rig-flow", "shippers"))
    summary = json.loads(
        platform.glue(
            "recordings", "ship", str(made), "--json", PROVING_GROUND_PROFILE=profile
        ).stdout
    )
    (one,) = summary["recordings"]
    assert one["recording"] == made.name
    # On a second run of the tests the recording is there already, and nothing is sent.
    assert one["bytes_sent"] in {0, sum(map(len, FILES.values())), one["bytes_sent"]}
    platform.settled([made.name])
    return made


def test_shown_with_types_units_and_objects(platform: Platform, shipped: Path) -> None:
    profile = str(platform.profile("reader", "researchers"))
    shown = json.loads(
        platform.glue(
            "recordings", "show", shipped.name, "--json", PROVING_GROUND_PROFILE=profile
        ).stdout
    )
    assert shown["state"] == "processed"
    assert shown["reason"] is None
    assert shown["recorded_at"] is None, "30 February is no date"
    assert shown["attributes"] == {
        "flow_test": 1, "subject": "mouse-7", "temperature": 36.6, "serial": "007",
    }  # fmt: skip
    assert shown["units"] == {"temperature": "C"}
    raw = {one["key"]: one for one in shown["objects"] if one["kind"] == "raw"}
    for file, content in FILES.items():
        one = raw[f"{shipped.name}/{file}"]
        assert one["size"] == len(content)
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        assert one["version_id"]
    processed = [one["key"] for one in shown["objects"] if one["kind"] == "processed"]
    assert f"{shipped.name}/copy-1/imec0.ap.bin" in processed


def test_shipping_again_sends_nothing(platform: Platform, shipped: Path) -> None:
    profile = str(platform.profile("rig-flow", "shippers"))
    again = platform.glue(
        "recordings", "ship", str(shipped), "--json", PROVING_GROUND_PROFILE=profile
    )
    (one,) = json.loads(again.stdout)["recordings"]
    assert one["bytes_sent"] == 0
    other_machine = platform.glue(
        "recordings", "ship", str(shipped), "--json",
        PROVING_GROUND_PROFILE=profile, PROVING_GROUND_JOURNAL=str(shipped.parent / "journal"),
    )  # fmt: skip
    (one,) = json.loads(other_machine.stdout)["recordings"]
    assert one["bytes_sent"] == 0, "without a journal the API tells what is there"


def test_found_saved_as_a_dataset_and_fetched(
    platform: Platform, shipped: Path, tmp_path: Path
) -> None:
    profile = str(platform.profile("reader", "researchers"))
    dataset, target = tmp_path / "dataset.json", tmp_path / "fetched"
    found = platform.glue(
        "recordings", "find", "--where", "flow_test = 1", "--where", "temperature > 36",
        "--save-dataset", str(dataset), "--json", PROVING_GROUND_PROFILE=profile,
    )  # fmt: skip
    assert shipped.name in [one["recording"] for one in json.loads(found.stdout)["recordings"]]
    pinned = json.loads(dataset.read_text())
    assert all(one["version_id"] for one in pinned["objects"])
    platform.glue(
        "recordings", "fetch", "--dataset", str(dataset), "--to", str(target),
        PROVING_GROUND_PROFILE=profile,
    )  # fmt: skip
    fetched = {file.name: file.read_bytes() for file in target.rglob("*") if file.is_file()}
    for file, content in FILES.items():
        if file.endswith(".bin"):
            assert fetched[file] == content


def test_a_new_recording_is_processed_once(platform: Platform, folder: Path) -> None:
    made = write_folder(folder, new_name("once"), FILES)
    profile = str(platform.profile("rig-flow", "shippers"))
    platform.glue("recordings", "ship", str(made), PROVING_GROUND_PROFILE=profile)
    found = platform.settled([made.name])[made.name]
    bucket = platform.outputs["recordings"]["processed_bucket"]
    stored = platform.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{made.name}/copy-1/")
    keys = sorted(one["Key"] for one in stored["Contents"])
    assert keys == sorted(one["key"] for one in found["objects"] if one["kind"] == "processed")
