"""Containers beside the main ones that crash: what a phase says of them, and when."""

from __future__ import annotations

from typing import Any

from glue.leaderboard.kubernetes.status import read
from tests.unit.leaderboard.kubernetes.samples import (
    condition,
    crashed,
    ended,
    event,
    job,
    pod,
    running,
    waiting,
)

Manifest = dict[str, Any]
FAILED = condition("Failed", "PodFailurePolicy", "Container evaluator for pod … failed")
BESIDE = ("simulator", "other")


def beside(*main: Manifest, init: tuple[Manifest, ...], **status: Any) -> Manifest:
    """A pod with two sidecars and whatever main containers."""
    found = pod(*main, init=init, **status)
    found["spec"]["initContainers"] = [
        {"name": name, "restartPolicy": "Always"} for name in BESIDE
    ] + [{"name": "contents"}]
    return found


def test_a_run_says_which_container_beside_it_is_down() -> None:
    held = beside(
        running("agent"), init=(crashed("simulator", 139, 3), running("other")), phase="Running"
    )
    phase = read(job(), [held])
    assert (phase.state, phase.reason) == ("running", "crashing")
    assert (phase.container, phase.exit_code) == ("simulator", 139)
    assert phase.message == (
        "simulator ended with 139, 3 times in all and waits to be started again"
    )
    assert [crash.times for crash in phase.crashes] == [3]


def test_one_that_runs_again_is_told_and_is_no_reason() -> None:
    last = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    again = running("other", restartCount=1, lastState=last)
    phase = read(job(), [beside(running("agent"), init=(again,), phase="Running")])
    assert (phase.state, phase.reason, phase.container) == ("running", None, None)
    assert phase.message == "other ended with 137 (OOMKilled) and was started again"


def test_one_that_is_down_comes_first() -> None:
    often = running("simulator", restartCount=9, lastState={"terminated": {"exitCode": 1}})
    held = beside(running("agent"), init=(often, crashed("other", 0, 1, "Completed")))
    phase = read(job(), [held])
    assert (phase.container, phase.exit_code) == ("other", 0)
    assert phase.message.startswith("other ended with 0 and waits")
    assert "simulator ended with 1, 9 times in all and was started again" in phase.message


def test_one_that_has_just_ended_counts() -> None:
    phase = read(job(), [beside(running("agent"), init=(ended("simulator", 1),), phase="Running")])
    assert (phase.reason, phase.crashes[0].times) == ("crashing", 1)


def test_what_kubernetes_ends_at_the_end_is_no_crash() -> None:
    """The main container has ended, then the simulator was, and the uploader still sends."""
    simulator = ended("simulator", 143, at="2026-11-20T10:30:01Z")
    held = beside(ended("agent", 0, "Completed"), init=(simulator, running("other")))
    assert read(job(), [held]).crashes == ()
    held["status"]["phase"] = "Succeeded"
    assert read(job(condition("Complete")), [held]).crashes == ()


def test_what_somebody_ends_is_no_crash() -> None:
    held = beside(running("agent"), init=(ended("simulator", 143),), phase="Running")
    held["metadata"]["deletionTimestamp"] = "2026-11-20T10:30:00Z"
    assert read(job(), [held]).crashes == ()
    lost = beside(waiting("agent", "PodInitializing"), init=(ended("simulator", 143),),
                  phase="Failed", reason="DeadlineExceeded")  # fmt: skip
    assert read(job(FAILED), [lost]).crashes == ()


def test_a_failure_says_what_had_crashed_before() -> None:
    held = beside(
        ended("agent", 2, message="the agent does not answer"),
        init=(crashed("simulator", 139, 4), ended("other", 1, at="2026-11-20T10:20:00Z")),
        phase="Failed",
    )
    phase = read(job(FAILED), [held])
    assert (phase.reason, phase.container, phase.exit_code) == ("program", "agent", 2)
    assert phase.message == (
        "agent ended with 2: the agent does not answer; "
        "before that simulator ended with 139, 4 times in all, other ended with 1"
    )


def test_a_crash_without_details() -> None:
    held = beside(running("agent"), init=(running("other", restartCount=2),), phase="Running")
    assert read(job(), [held]).message == "other ended, 2 times in all and was started again"


def test_a_volume_that_cannot_be_had() -> None:
    held = pod(waiting("agent", "PodInitializing"), init=(waiting("simulator", "PodInitializing"),))
    uid = held["metadata"]["uid"]
    said = event(uid, "FailedMount", 'MountVolume.SetUp failed: secret "form" not found')
    phase = read(job(), [held], [said])
    assert (phase.state, phase.reason) == ("waiting", "configuration")
    assert 'secret "form" not found' in phase.message
    later = event(uid, "Pulling", "Pulling image", "2026-11-20T10:02:00Z")
    assert read(job(), [held], [said, later]).reason == "starting"
