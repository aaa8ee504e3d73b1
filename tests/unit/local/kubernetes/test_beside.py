"""What runs beside the evaluators: simulators and agents that crash, hang, or never start."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from glue.leaderboard.kubernetes.values import Container, Mount, Resources, Uploader, Volume
from tests.unit.local.kubernetes.manifests import FOREVER, SEND, SMALL, WHEN_TOLD, manifest
from tests.unit.local.kubernetes.standing import PATIENCE_SECONDS, standing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.local.kubernetes.standing import Standing

DEAF = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('deaf', flush=True)\n"
    "while True: time.sleep(0.01)"
)
READY_WHEN_TOLD = (
    "import os, pathlib, time\n"
    "told = pathlib.Path(os.environ['READY_FILE']).with_name('.told')\n"
    "while not told.exists(): time.sleep(0.01)\n"
)
RESULTS = Mount(volume="results-1", path="/results")
OUTPUT = Mount(volume="agent-output-1", path="/output")
ONE_GPU = Resources(cpu_millis=500, memory_mib=128, disk_gib=1, gpus=1)


def submission(
    name: str, agent: str = FOREVER, evaluator: str = "print('scored')", **changes: Any
) -> dict[str, Any]:
    """A pod as a leaderboard has it: simulator and agent beside an evaluator."""
    values: dict[str, Any] = {
        "uploader": Uploader(
            image="uploader:1", form_secret="leaderboard-20-99-1",
            arguments=(SEND, "/uploads/results"),
            mounts=(
                Mount(volume="results-1", path="/uploads/results", is_read_only=True),
                Mount(volume="agent-output-1", path="/uploads/agent", is_read_only=True),
            ),
        ),
        "preparation": (),
        "sidecars": (
            Container(name="simulator-1", image="simulator:1", arguments=(FOREVER,),
                      resources=ONE_GPU),
            Container(name="agent-1", image="agent:1", arguments=(agent, "/output/done"),
                      resources=ONE_GPU, mounts=(OUTPUT,)),
        ),
        "main": (
            Container(name="evaluator-1", image="contents:1", mounts=(RESULTS,),
                      arguments=(evaluator, "/results/done"), resources=SMALL),
        ),
        "volumes": (Volume(name="results-1"), Volume(name="agent-output-1")),
    }  # fmt: skip
    return manifest(name, **(values | changes))


def test_the_evaluators_end_is_the_runs_end(stand_in: Standing) -> None:
    stand_in.client.create_job(submission("scored"))
    assert stand_in.wait_over("scored").state == "succeeded"
    (pod,) = stand_in.client.pods("scored")
    order = [entry["name"] for entry in pod["status"]["initContainerStatuses"]]
    assert order == ["simulator-1", "agent-1", "uploader"]
    assert stand_in.phase("scored").crashes == (), "they were ended, they did not crash"


def test_an_agent_that_crashes_does_not_end_the_run_and_is_told(stand_in: Standing) -> None:
    stand_in.client.create_job(submission("crashing", "raise SystemExit(7)", FOREVER))
    phase = stand_in.wait("crashing", lambda p: (p.state, p.reason) == ("running", "crashing"))
    assert (phase.container, phase.exit_code) == ("agent-1", 7)
    assert "agent-1 ended with 7" in phase.message
    phase = stand_in.wait("crashing", lambda p: bool(p.crashes) and p.crashes[0].times >= 3)
    assert phase.state == "running"


def test_an_agent_that_recovers(stand_in: Standing) -> None:
    """Its second start finds what the first has left behind in its volume."""
    twice = (
        "import pathlib, sys, time\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "if path.exists():\n    while True: time.sleep(0.01)\n"
        "path.touch()\nsys.exit(1)"
    )
    stand_in.client.create_job(submission("recovering", twice, FOREVER))
    phase = stand_in.wait(
        "recovering",
        lambda phase: bool(phase.crashes) and phase.state == "running" and not phase.reason,
    )
    assert phase.message == "agent-1 ended with 1 and was started again"


def test_a_failure_tells_what_went_before_it(stand_in: Standing) -> None:
    stand_in.fault(containers=[{"container": "simulator-1", "kind": "crash", "times": 1}])
    stand_in.client.create_job(submission("failing", evaluator=f"{WHEN_TOLD}raise SystemExit(3)"))
    stand_in.wait("failing", lambda phase: bool(phase.crashes))
    stand_in.let_go("failing", "results-1")
    phase = stand_in.wait_over("failing")
    assert (phase.container, phase.exit_code) == ("evaluator-1", 3)
    assert "before that simulator-1 ended with 139" in phase.message


def test_an_image_of_one_beside_that_cannot_be_pulled(stand_in: Standing) -> None:
    stand_in.fault(pulls=["agent:*"])
    stand_in.client.create_job(submission("unpulled"))
    phase = stand_in.wait_reason("unpulled", "image_pull")
    assert (phase.state, phase.started_at) == ("waiting", None)
    assert phase.message.startswith("agent-1: ")
    stand_in.fault()
    assert stand_in.wait_over("unpulled").state == "succeeded"


def test_one_that_never_starts_keeps_the_run_from_beginning(stand_in: Standing) -> None:
    agent = Container(name="agent-1", image="agent:1", command=("no-such-program",),
                      resources=SMALL)  # fmt: skip
    stand_in.client.create_job(submission("absent", sidecars=(agent,)))
    phase = stand_in.wait_reason("absent", "crashing")
    assert (phase.state, phase.started_at) == ("waiting", None)
    assert phase.message.startswith("agent-1: CrashLoopBackOff")
    stand_in.client.delete_job("absent")
    stand_in.wait_gone()


def uploader(job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = job["spec"]["template"]["spec"]["initContainers"][-1]
    return found


def ask_once(job: dict[str, Any]) -> None:
    """Let the probe answer at once, where it would wait for the uploader a while."""
    uploader(job)["startupProbe"]["exec"]["command"][-1] = "0"
    uploader(job)["startupProbe"]["failureThreshold"] = 1000


def test_nothing_begins_before_the_uploader_has_started(stand_in: Standing) -> None:
    """Its startup probe says when; a run of no time at all is sent all the same."""
    job = submission("instant", evaluator="import sys; open(sys.argv[1], 'w')")
    late = f"{READY_WHEN_TOLD}{SEND}"
    uploader(job)["args"] = [late, "/uploads/results"]
    ask_once(job)
    stand_in.client.create_job(job)
    phase = stand_in.wait("instant", lambda phase: "Startup probe failed" in phase.message)
    assert (phase.state, phase.reason, phase.started_at) == ("waiting", "starting", None)
    assert phase.message.startswith("uploader is starting; ")
    (pod,) = stand_in.client.pods("instant")
    assert pod["status"]["initContainerStatuses"][-1]["started"] is False
    assert "running" not in pod["status"]["containerStatuses"][0]["state"]
    stand_in.let_go("instant", "uploader")
    assert stand_in.wait_over("instant").state == "succeeded"
    assert "sent ['done']" in stand_in.client.log(pod["metadata"]["name"], "uploader")


def test_an_uploader_that_does_not_start_is_started_again(stand_in: Standing) -> None:
    job = submission("unready")
    uploader(job)["args"] = [FOREVER]
    ask_once(job)
    uploader(job)["startupProbe"] |= {"failureThreshold": 2, "initialDelaySeconds": 1}
    stand_in.client.create_job(job)
    phase = stand_in.wait("unready", lambda phase: bool(phase.crashes) and phase.crashes[0].is_down)
    assert (phase.state, phase.reason, phase.started_at) == ("waiting", "crashing", None)
    assert phase.crashes[0].container == "uploader"
    assert "Startup probe failed: the uploader does not heed signals yet" in phase.message
    (pod,) = stand_in.client.pods("unready")
    said = [event["message"] for event in stand_in.client.events(pod["metadata"]["name"])]
    assert "Container uploader failed startup probe, will be restarted" in said
    stand_in.client.delete_job("unready")
    stand_in.wait_gone()


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        # As in Kubernetes: what cannot be asked counts for nothing, so only a deadline ends it.
        ({"exec": {"command": ["no-such-program"]}, "failureThreshold": 1}, "errored: "),
        ({"exec": {"command": ["sleep", "60"]}, "failureThreshold": 99}, "timed out after 1s"),
    ],
)
def test_a_probe_without_an_answer(stand_in: Standing, probe: dict[str, Any], said: str) -> None:
    job = submission("unasked", run_seconds=500)
    uploader(job)["startupProbe"] = {**probe, "periodSeconds": 1}
    stand_in.client.create_job(job)
    phase = stand_in.wait("unasked", lambda phase: said in phase.message)
    assert (phase.state, phase.reason, phase.crashes) == ("waiting", "starting", ())
    phase = stand_in.wait_over("unasked")
    assert (phase.state, phase.reason, phase.started_at) == ("failed", "deadline", None)
    stand_in.client.delete_job("unasked")
    stand_in.wait_gone()


def test_one_that_heeds_no_signal_takes_the_rest_of_the_grace(tmp_path: Path) -> None:
    """As on a cluster. The uploader was asked first, and had its last pass in peace."""
    with standing(tmp_path / "home", scale=0.1) as found:
        found.client.create_job(
            submission("deaf", DEAF, f"{WHEN_TOLD}print('scored')", grace_seconds=50)
        )
        found.wait_said("deaf", "agent-1", "deaf")
        began = time.monotonic()
        found.let_go("deaf", "results-1")
        phase = found.wait_over("deaf")
        assert phase.state == "succeeded"
        assert time.monotonic() - began >= 2
        (pod,) = found.client.pods("deaf")
        ends = {
            entry["name"]: entry["state"]["terminated"]["exitCode"]
            for entry in pod["status"]["initContainerStatuses"]
        }
        assert ends["agent-1"] == 137
        name = pod["metadata"]["name"]
        assert "sent" in found.client.log(name, "uploader")


def test_what_a_lost_node_had_is_told_of_the_new_pod_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with standing(home) as found:
        found.client.create_job(submission("moved", "raise SystemExit(7)", FOREVER))
        found.wait("moved", lambda phase: phase.reason == "crashing")
        found.client.create_job(submission("done"))
        found.wait_over("done")
        (done,) = found.client.pods("done")
    with standing(home) as found:
        # Secrets, Jobs and pods that had ended are as they were, and what they printed.
        assert found.phase("done").state == "succeeded"
        assert found.client.log(done["metadata"]["name"], "evaluator-1") == "scored\n"
        found.wait("moved", lambda phase: phase.restarts == 1 and phase.reason == "crashing")
        ending = time.monotonic() + PATIENCE_SECONDS
        while len(found.client.pods("moved")) != 2:
            assert time.monotonic() < ending
