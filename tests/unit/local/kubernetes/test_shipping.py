"""What containers print, in CloudWatch Logs: whole, in order, once, and no pod waits for it."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from glue.local.kubernetes import shipping
from glue.local.kubernetes.shipping import Shipper
from tests.unit.local.kubernetes.manifests import DRIVE, manifest
from tests.unit.local.kubernetes.standing import PATIENCE_SECONDS, standing

if TYPE_CHECKING:
    from pathlib import Path

GROUP = "leaderboard-20"


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "PutLogEvents")


class Logs:
    """CloudWatch Logs of paper, with its limits."""

    def __init__(self, *groups: str) -> None:
        self.groups = set(groups)
        self.streams: dict[tuple[str, str], list[str]] = {}
        self.calls: list[str] = []
        self.wrong: list[Exception] = []

    def create_log_stream(self, *, logGroupName: str, logStreamName: str) -> None:  # noqa: N803
        self.calls.append(logStreamName)
        if logGroupName not in self.groups:
            raise error(shipping.ABSENT)
        if (logGroupName, logStreamName) in self.streams:
            raise error(shipping.EXISTS)
        self.streams[logGroupName, logStreamName] = []

    def put_log_events(
        self,
        *,
        logGroupName: str,  # noqa: N803
        logStreamName: str,  # noqa: N803
        logEvents: list[dict[str, Any]],  # noqa: N803
    ) -> None:
        if self.wrong:
            raise self.wrong.pop(0)
        if (logGroupName, logStreamName) not in self.streams:
            raise error(shipping.ABSENT)
        assert 0 < len(logEvents) <= 10_000
        assert sum(len(event["message"].encode()) + 26 for event in logEvents) <= 1024 * 1024
        assert all(event["message"] for event in logEvents)
        times = [event["timestamp"] for event in logEvents]
        assert times == sorted(times)
        found = self.streams[logGroupName, logStreamName]
        found += [event["message"] for event in logEvents]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def pod(group: str | None = GROUP, uid: str = "u") -> dict[str, Any]:
    labels = {"log-group": group} if group else {}
    return {
        "metadata": {"name": "pod", "namespace": "jobs", "uid": uid, "labels": labels},
        "spec": {"containers": [{"name": "agent"}], "initContainers": [{"name": "uploader"}]},
    }


def shipper(logs: Logs, clock: Clock | None = None, group: str | None = None) -> Shipper:
    return Shipper(lambda: logs, group, clock or Clock())


def go_round(found: Shipper, rounds: int = 1) -> None:
    for _ in range(rounds):
        asyncio.run(found.round())


STREAM = (GROUP, "jobs.pod.agent")


def test_lines_as_they_come(tmp_path: Path) -> None:
    logs = Logs(GROUP)
    found = shipper(logs)
    found.watch(pod(), tmp_path.joinpath)
    go_round(found)
    assert logs.streams == {}, "nothing was printed, so there is no stream"
    out = tmp_path / "agent"
    out.write_bytes(b"first\r\n\nsec")
    go_round(found)
    assert logs.streams[STREAM] == ["first"]
    with out.open("ab") as file:
        file.write(b"ond\n" + "ü".encode() + b"\xff\nlast")
    go_round(found, 2)
    assert logs.streams[STREAM] == ["first", "second", "ü\ufffd"]
    found.release(pod())
    out.unlink()
    go_round(found, 2)
    assert logs.streams[STREAM][-1] == "last"
    assert found._streams == {}


def test_much_at_once(tmp_path: Path) -> None:
    logs = Logs(GROUP)
    found = shipper(logs)
    lines = [str(n) for n in range(20_000)]
    (tmp_path / "agent").write_text("\n".join(lines) + "\n")
    (tmp_path / "uploader").write_bytes(b"x" * (3 * 1024 * 1024))
    found.watch(pod(), tmp_path.joinpath)
    found.release(pod())
    go_round(found, 6)
    assert logs.streams[STREAM] == lines
    assert sum(map(len, logs.streams[GROUP, "jobs.pod.uploader"])) == 3 * 1024 * 1024


def test_a_stream_that_is_there_already(tmp_path: Path) -> None:
    logs = Logs(GROUP)
    logs.streams[STREAM] = ["before"]
    (tmp_path / "agent").write_text("after\n")
    found = shipper(logs)
    found.watch(pod(), tmp_path.joinpath)
    go_round(found)
    assert logs.streams[STREAM] == ["before", "after"]


def test_pods_without_a_group_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "agent").write_text("on\n")
    logs = Logs("/aws/eks/local/jobs")
    found = shipper(logs, group="/aws/eks/local/jobs")
    found.watch(pod(None), tmp_path.joinpath)
    go_round(found)
    assert logs.streams == {("/aws/eks/local/jobs", "jobs.pod.agent"): ["on"]}
    nowhere = shipper(logs)
    nowhere.watch(pod(None), tmp_path.joinpath)
    nowhere.release(pod(None))
    assert nowhere._streams == {}


def test_no_group_is_made_and_its_lines_wait_for_a_while(tmp_path: Path) -> None:
    logs, clock = Logs(), Clock()
    found = shipper(logs, clock)
    (tmp_path / "agent").write_text("on\n")
    (tmp_path / "uploader").write_text("on\n")
    found.watch(pod(), tmp_path.joinpath)
    go_round(found)
    assert logs.calls == ["jobs.pod.uploader"], "its group was asked for once"
    go_round(found)
    assert len(logs.calls) == 1, "it is not asked for all the time"
    logs.groups.add(GROUP)
    clock.now += 60
    go_round(found)
    assert logs.streams[STREAM] == ["on"]


def test_lines_that_nobody_takes_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    logs, clock = Logs(), Clock()
    found = shipper(logs, clock)
    (tmp_path / "agent").write_text("on\n")
    found.watch(pod(), tmp_path.joinpath)
    found.release(pod())
    with caplog.at_level(logging.WARNING):
        for _ in range(shipping.MOST_TRIES):
            assert found._streams
            go_round(found)
            clock.now += shipping.LONGEST_PAUSE_SECONDS
    assert "1 lines of jobs.pod.agent left out" in caplog.text
    assert found._streams == {}


@pytest.mark.parametrize(
    "wrong",
    [
        error("ThrottlingException"),
        error(shipping.ABSENT),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
    ],
)
def test_what_fails_is_sent_again(tmp_path: Path, wrong: Exception) -> None:
    logs, clock = Logs(GROUP), Clock()
    logs.wrong.append(wrong)
    (tmp_path / "agent").write_text("on\n")
    found = shipper(logs, clock)
    found.watch(pod(), tmp_path.joinpath)
    go_round(found)
    assert logs.streams[STREAM] == []
    clock.now += 60
    go_round(found)
    assert logs.streams[STREAM] == ["on"]


def test_a_cloud_that_hangs_delays_no_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that stumbles ends nothing; what a Job has printed is sent though it is deleted."""
    monkeypatch.setattr(shipping, "PERIOD_SECONDS", 0.05)
    logs = Logs(GROUP)
    begun = []

    def slow() -> Logs:
        begun.append(time.monotonic())
        if len(begun) == 1:
            raise ValueError("no client yet")
        time.sleep(1)
        return logs

    with standing(tmp_path / "home", shipper=Shipper(slow)) as found:
        found.client.create_job(manifest("printed", DRIVE))
        assert found.wait_over("printed").state == "succeeded"
        (name,) = [p["metadata"]["name"] for p in found.client.pods("printed")]
        found.client.delete_job("printed")
        found.wait_gone()
        ending = time.monotonic() + PATIENCE_SECONDS
        while not logs.streams.get((GROUP, f"jobs.{name}.agent")):
            assert time.monotonic() < ending
            time.sleep(0.02)
    assert logs.streams[GROUP, f"jobs.{name}.agent"] == ["driven routes"]
    uploader = logs.streams[GROUP, f"jobs.{name}.uploader"]
    assert uploader == ["ready", "sent ['result.json', 'routes.xml']"]
