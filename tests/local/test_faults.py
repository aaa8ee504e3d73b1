"""Killed shippers, a cloud that goes away, events that repeat: nothing lost, nothing twice."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.local.recordings import event, new_name, objects, put, write_folder
from tests.platform import GLUE, ROOT, Platform

METADATA = b"subject: mouse\nsubject_fatigue: 3\n"
KILLS = 20
# Seconds. Beyond what anything here takes on the busiest machine: then something hangs.
PATIENCE = 300.0


def until(true: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Wait until a condition holds, and return its value."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.2)
    return value


def accepted_parts(platform: Platform, name: str) -> Counter[str]:
    """Count the writes of raw bytes that S3 took, by file and part, from its access log."""
    log = (platform.build / "local" / "access.log").read_text()
    found: Counter[str] = Counter()
    for line in log.splitlines():
        match = re.search(rf'"PUT \S*/{name}/([^?\s]+)\?(\S*) \S+" 200', line)
        if match:
            part = re.search(r"partNumber=(\d+)", match.group(2))
            found[f"{match.group(1)}#{part.group(1) if part else 'whole'}"] += 1
    return found


def ship(platform: Platform, folder: Path, *options: str) -> subprocess.Popen[str]:
    """Start the shipper in the background."""
    profile = str(platform.profile("rig-one", "shippers"))
    return subprocess.Popen(
        [*GLUE, "recordings", "ship", str(folder), *options],
        cwd=ROOT,
        env=platform.variables | {"PROVING_GROUND_PROFILE": profile},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def large_recording(parent: Path, name: str, megabytes: int) -> Path:
    source = random.Random(name)
    files = {
        "a.bin": source.randbytes(megabytes * 500_000),
        "b.bin": source.randbytes(megabytes * 400_000),
        "c.bin": source.randbytes(megabytes * 100_000),
        "session.txt": METADATA,
    }
    return write_folder(parent, name, files)


def assert_whole(platform: Platform, folder: Path) -> None:
    """Every file is in S3 once, with the bytes of the folder, and the catalogue knows it."""
    found = platform.settled([folder.name])[folder.name]
    assert found["state"] == "processed", found
    bucket, s3 = platform.outputs["recordings"]["raw_bucket"], platform.client("s3")
    versions = s3.list_object_versions(Bucket=bucket, Prefix=f"{folder.name}/")
    names = [one["Key"].split("/")[1] for one in versions["Versions"]]
    assert sorted(names) == sorted([*(f.name for f in folder.iterdir()), "manifest.json"])
    assert "DeleteMarkers" not in versions
    for file in folder.iterdir():
        stored = s3.get_object(Bucket=bucket, Key=f"{folder.name}/{file.name}")["Body"].read()
        assert stored == file.read_bytes(), file.name


def test_a_shipper_killed_at_twenty_moments_sends_no_finished_part_again(
    platform: Platform, folder: Path
) -> None:
    made = large_recording(folder, new_name("killed"), 100)
    source, killed = random.Random(20), 0
    for number in range(KILLS):
        process = ship(platform, made)
        # From the start of the interpreter to well into the transfer.
        time.sleep(source.uniform(0.1, 0.6 + number * 0.12))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
    finished = ship(platform, made)
    output, _ = finished.communicate(timeout=PATIENCE)
    assert finished.returncode == 0, output
    assert_whole(platform, made)
    parts = accepted_parts(platform, made.name)
    assert len(parts) >= 9
    assert {part: count for part, count in parts.items() if count > 1} == {}
    assert killed >= 5, "the shipper must have been killed while it had work to do"


def test_the_cloud_goes_away_in_mid_upload(platform: Platform, folder: Path) -> None:
    made = large_recording(folder, new_name("restarted"), 300)
    process = ship(platform, made)
    until(lambda: sum(accepted_parts(platform, made.name).values()) >= 2, "two parts are there")
    process.send_signal(signal.SIGSTOP)  # it cannot end before the cloud is gone
    try:
        before = accepted_parts(platform, made.name)
        assert process.poll() is None, process.communicate()[0]
        platform.down()
    finally:
        process.send_signal(signal.SIGCONT)
    platform.glue("local", "up")
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert_whole(platform, made)
    again = accepted_parts(platform, made.name)
    assert [part for part in before if again[part] > before[part]] == []


def test_events_five_times_and_out_of_order_change_nothing(platform: Platform) -> None:
    name = new_name("repeated")
    files = {"a.bin": b"1" * 5000, "b.bin": b"2" * 7000, "session.txt": METADATA}
    versions = {key: put(platform, key, body) for key, body in objects(name, files).items()}
    before = platform.settled([name])[name]
    queue = platform.outputs["recordings"]["ingest_queue_url"]
    sqs = platform.client("sqs")
    messages = [event(platform, key, version) for key, version in versions.items()] * 5
    random.Random(5).shuffle(messages)
    for message in messages:
        sqs.send_message(QueueUrl=queue, MessageBody=message)
    wait_until_empty(platform)
    assert platform.settled([name])[name] == before
    processed = platform.outputs["recordings"]["processed_bucket"]
    stored = platform.client("s3").list_object_versions(Bucket=processed, Prefix=f"{name}/")
    keys = [one["Key"] for one in stored["Versions"]]
    assert len(keys) == len(set(keys)), "a copy was made twice"


def wait_until_empty(platform: Platform) -> None:
    """Wait until neither queue holds a message, waiting or in flight."""
    sqs = platform.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def empty() -> bool:
        for queue in ("ingest_queue_url", "preprocess_queue_url"):
            url = platform.outputs["recordings"][queue]
            held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            if any(int(held[one]) for one in names):
                return False
        return True

    until(empty, "the queues are empty")


def test_metadata_ahead_of_its_data_waits_and_says_for_what(platform: Platform) -> None:
    name = new_name("ahead")
    raw = objects(name, {"late.bin": b"x" * 9000, "session.txt": METADATA})
    late = raw.pop(f"{name}/late.bin")
    for key in (f"{name}/session.txt", f"{name}/manifest.json"):
        put(platform, key, raw[key])
    waiting = platform.settled([name], states={"incomplete"})[name]
    assert "late.bin" in waiting["reason"]
    listed = platform.glue_json(
        "recordings", "quarantined", "--profile", str(platform.profile("ops", "operators"))
    )
    reasons = {one["recording"]: one["reason"] for one in listed["recordings"]}
    assert "late.bin" in reasons[name]
    put(platform, f"{name}/late.bin", late)
    assert platform.settled([name])[name]["state"] == "processed"


def deny(platform: Platform, role: str, action: str) -> Callable[[], None]:
    """Take a right away from a role; the returned function gives it back."""
    iam = platform.client("iam")
    statement = {"Effect": "Deny", "Action": action, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="fault", PolicyDocument=policy)
    return lambda: iam.delete_role_policy(RoleName=role, PolicyName="fault")


def test_a_function_that_fails_twice_succeeds_in_the_end(platform: Platform) -> None:
    function = platform.outputs["recordings"]["functions"]["ingest_recording"]
    name = new_name("twice")
    logs = platform.client("logs")
    began = int(time.time() * 1000)

    def failures() -> int:
        found = logs.filter_log_events(
            logGroupName=f"/aws/lambda/{function['name']}", startTime=began, filterPattern=name
        )["events"]
        return sum('"ERROR"' in one["message"] for one in found)

    restore = deny(platform, function["role_arn"].rsplit("/", 1)[1], "s3:GetObject")
    try:
        for key, body in objects(name, {"a.bin": b"a" * 100, "session.txt": METADATA}).items():
            put(platform, key, body)
        until(lambda: failures() >= 2, "the function failed twice")
    finally:
        restore()
    assert platform.settled([name])[name]["state"] == "processed"


@pytest.fixture(scope="module", autouse=True)
def poison(platform: Platform) -> str:
    """Messages that no function can read, sent before the first test of this file.

    They take a while to be given up, and must disturb none of the other tests meanwhile.
    """
    queue = platform.outputs["recordings"]["ingest_queue_url"]
    body = f"poison {new_name('message')}"
    platform.client("sqs").send_message(QueueUrl=queue, MessageBody=body)
    return body


def alarms_that_ring(platform: Platform) -> set[str]:
    found = platform.client("cloudwatch").describe_alarms(StateValue="ALARM")["MetricAlarms"]
    return {alarm["AlarmName"] for alarm in found}


def test_a_poison_message_ends_in_the_dead_letter_queue_and_rings(
    platform: Platform, poison: str
) -> None:
    dead = platform.outputs["recordings"]["ingest_dead_letter_queue_url"]
    sqs = platform.client("sqs")

    def found() -> bool:
        answer = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, VisibilityTimeout=1)
        return poison in [message["Body"] for message in answer.get("Messages", [])]

    until(found, "the message is among the dead letters", seconds=PATIENCE)
    rings = until(
        lambda: [name for name in alarms_that_ring(platform) if "ingest" in name],
        "the alarm of the dead-letter queue rings",
    )
    assert rings


def test_a_broken_recording_is_quarantined_rings_and_can_be_replayed(platform: Platform) -> None:
    name = new_name("broken")
    raw = objects(name, {"a.bin": b"a" * 100, "session.txt": METADATA})
    raw[f"{name}/a.bin"] = b"b" * 100  # not what the manifest says
    for key, body in raw.items():
        put(platform, key, body)
    found = platform.settled([name])[name]
    assert found["state"] == "quarantined"
    assert "a.bin" in found["reason"]
    operator = str(platform.profile("ops", "operators"))
    listed = platform.glue_json("recordings", "quarantined", "--profile", operator)
    assert name in [one["recording"] for one in listed["recordings"]]
    until(
        lambda: [one for one in alarms_that_ring(platform) if "quarantined" in one],
        "the alarm of quarantined recordings rings",
    )
    platform.glue("recordings", "replay", name, "--profile", operator)
    wait_until_empty(platform)
    # Nothing was mended, so it ends where it was: replaying is no way around the checks.
    assert platform.settled([name])[name]["state"] == "quarantined"


def test_a_recording_that_s3_never_announced_is_found_by_the_reconciler(
    platform: Platform,
) -> None:
    recordings = platform.outputs["recordings"]
    s3, bucket = platform.client("s3"), recordings["raw_bucket"]
    configuration = s3.get_bucket_notification_configuration(Bucket=bucket)
    configuration.pop("ResponseMetadata")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    name = new_name("unannounced")
    try:
        for key, body in objects(name, {"a.bin": b"a" * 100, "session.txt": METADATA}).items():
            put(platform, key, body)
    finally:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=configuration
        )
    operator = platform.credentials("ops", "operators")
    wait_until_empty(platform)
    assert platform.call("GET", f"/recordings/{name}", **operator).status == 404
    answer = platform.client("lambda").invoke(
        FunctionName=recordings["functions"]["reconcile_recordings"]["name"], Payload=b"{}"
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    assert platform.settled([name])[name]["state"] == "processed"
