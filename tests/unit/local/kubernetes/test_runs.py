"""Jobs from their beginning to their end: the client, over a socket, against the stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psutil
import pytest

from glue.leaderboard.kubernetes.errors import Conflict, Gone
from glue.leaderboard.kubernetes.values import Container
from tests.unit.leaderboard.kubernetes.samples import RESULTS
from tests.unit.local.kubernetes.manifests import DRIVE, FOREVER, SMALL, manifest

if TYPE_CHECKING:
    from tests.unit.local.kubernetes.standing import Standing


def pod_of(stand_in: Standing, job: str) -> dict[str, Any]:
    (pod,) = stand_in.client.pods(job)
    return pod


def states(pod: dict[str, Any]) -> dict[str, dict[str, Any]]:
    status = pod["status"]
    every = (*status["initContainerStatuses"], *status["containerStatuses"])
    return {entry["name"]: entry["state"] for entry in every}


def test_a_run_that_succeeds(stand_in: Standing) -> None:
    made = stand_in.client.create_job(manifest("good", DRIVE))
    assert made["metadata"]["uid"]
    phase = stand_in.wait_over("good")
    assert (phase.state, phase.restarts) == ("succeeded", 0)
    assert phase.node is not None
    assert phase.node.startswith("gpu-")
    pod = pod_of(stand_in, "good")
    name = pod["metadata"]["name"]
    # What one container wrote another has read, and the uploader had its last pass.
    assert stand_in.client.log(name, "agent") == "driven routes\n"
    assert stand_in.client.log(name, "uploader") == ("ready\nsent ['result.json', 'routes.xml']\n")
    ends = {name: state["terminated"]["exitCode"] for name, state in states(pod).items()}
    assert ends == {"uploader": 0, "contents": 0, "simulator": 143, "agent": 0}


def test_end_of_a_log(stand_in: Standing) -> None:
    stand_in.client.create_job(manifest("talks", "for n in range(9): print(n)"))
    stand_in.wait_over("talks")
    name = pod_of(stand_in, "talks")["metadata"]["name"]
    assert stand_in.client.log(name, "agent", lines=2) == "7\n8\n"
    assert stand_in.client.log(name, "agent", lines=9, most_bytes=3) == "\n8\n"
    with pytest.raises(Gone):
        stand_in.client.log("nobody", "agent")


def test_a_program_that_fails(stand_in: Standing) -> None:
    stand_in.client.create_job(manifest("bad", "raise SystemExit(3)"))
    phase = stand_in.wait_over("bad")
    assert (phase.state, phase.reason) == ("failed", "program")
    assert (phase.container, phase.exit_code) == ("agent", 3)
    job = stand_in.client.job("bad")
    failed = next(c for c in job["status"]["conditions"] if c["type"] == "Failed")
    assert failed["reason"] == "PodFailurePolicy"
    # Even so the uploader had its time.
    name = pod_of(stand_in, "bad")["metadata"]["name"]
    assert "sent ['routes.xml']" in stand_in.client.log(name, "uploader")


def test_preparation_that_fails_ends_it(stand_in: Standing) -> None:
    contents = Container(name="contents", image="contents:1", arguments=("raise SystemExit(4)",),
                         resources=SMALL)  # fmt: skip
    stand_in.client.create_job(manifest("unprepared", preparation=(contents,)))
    phase = stand_in.wait_over("unprepared")
    assert (phase.reason, phase.container, phase.exit_code) == ("program", "contents", 4)
    assert "waiting" in states(pod_of(stand_in, "unprepared"))["agent"]


def test_no_such_program(stand_in: Standing) -> None:
    agent = Container(name="agent", image="agent:1", command=("no-such-program",), resources=SMALL)
    stand_in.client.create_job(manifest("absent", main=(agent,)))
    phase = stand_in.wait_over("absent")
    assert (phase.reason, phase.container, phase.exit_code) == ("cannot_start", "agent", 128)


def test_a_sidecar_that_ends_is_started_again(stand_in: Standing) -> None:
    simulator = Container(name="simulator", image="simulator:1", arguments=("print('up')",),
                          resources=SMALL, mounts=(RESULTS,))  # fmt: skip
    stand_in.client.create_job(manifest("unstable", FOREVER, sidecars=(simulator,)))
    stand_in.wait("unstable", lambda phase: phase.state == "running")

    def restarts() -> int:
        entries = pod_of(stand_in, "unstable")["status"]["initContainerStatuses"]
        return int(next(e["restartCount"] for e in entries if e["name"] == "simulator"))

    stand_in.wait("unstable", lambda phase: restarts() >= 2)
    assert stand_in.phase("unstable").state == "running"


def test_deadline_of_the_run(stand_in: Standing) -> None:
    stand_in.client.create_job(manifest("slow", FOREVER, run_seconds=1000))
    phase = stand_in.wait_over("slow")
    assert (phase.state, phase.reason) == ("failed", "deadline")
    assert "longer than the specified deadline" in phase.message
    name = pod_of(stand_in, "slow")["metadata"]["name"]
    assert "sent" in stand_in.client.log(name, "uploader")


def test_deadline_of_the_wait(stand_in: Standing) -> None:
    stand_in.fault(gpu_nodes=0)
    stand_in.client.create_job(
        manifest("starved", run_seconds=60, waiting_seconds=60, grace_seconds=30)
    )
    phase = stand_in.wait_over("starved")
    assert (phase.state, phase.reason) == ("failed", "deadline")
    assert "no pod of it ever ran" in phase.message


def test_delete_ends_everything(stand_in: Standing) -> None:
    made = stand_in.client.create_job(manifest("unwanted", FOREVER))
    stand_in.wait("unwanted", lambda phase: phase.state == "running")
    folder = stand_in.home / "pods" / pod_of(stand_in, "unwanted")["metadata"]["uid"]
    assert running_below(str(folder))
    with pytest.raises(Conflict, match="Precondition failed"):
        stand_in.client.delete_job("unwanted", uid="another")
    assert stand_in.client.delete_job("unwanted", uid=made["metadata"]["uid"])
    assert stand_in.client.delete_job("unwanted")  # it takes its time; asking again is no error
    stand_in.wait_gone()
    assert not stand_in.client.delete_job("unwanted")
    assert not running_below(str(folder))
    assert not folder.exists()
    with pytest.raises(Gone):
        stand_in.client.job("unwanted")


def test_a_job_is_kept_for_a_while_after_its_end(stand_in: Standing) -> None:
    job = manifest("kept")
    job["spec"]["ttlSecondsAfterFinished"] = 1
    stand_in.client.create_job(job)
    stand_in.wait_gone()


def test_one_job_of_a_name(stand_in: Standing) -> None:
    stand_in.client.create_job(manifest("twice", FOREVER))
    with pytest.raises(Conflict, match="already exists"):
        stand_in.client.create_job(manifest("twice", FOREVER))


def test_lists(stand_in: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glue.leaderboard.kubernetes.connection.PAGE", 2)
    stand_in.fault(no_controller=True)
    for number in range(5):
        stand_in.client.create_job(manifest(f"many-{number}", submission=number % 2 + 1))
    found = stand_in.client.jobs(leaderboard="leaderboard-20")
    assert [job["metadata"]["name"] for job in found] == [f"many-{n}" for n in range(5)]
    assert len(stand_in.client.jobs(submission="1")) == 3
    assert stand_in.phase("many-0").reason == "not_begun"


def test_no_variable_of_this_process_gets_through(
    stand_in: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "worth stealing")
    stand_in.client.create_job(manifest("curious", "import os; print(sorted(os.environ))"))
    stand_in.wait_over("curious")
    name = pod_of(stand_in, "curious")["metadata"]["name"]
    seen = set(eval(stand_in.client.log(name, "agent")))
    assert seen - {"LC_CTYPE"} == {"HOME", "LANG", "PATH", "ROUTES", "STAND_IN_HOST", "TMPDIR"}


def running_below(folder: str) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(folder in word for word in process.info["cmdline"] or ())
    ]
