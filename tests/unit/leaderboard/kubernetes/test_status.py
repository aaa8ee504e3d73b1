"""What a Job's and its pods' records mean."""

from __future__ import annotations

from typing import Any

import pytest

from glue.leaderboard.kubernetes.status import read
from tests.unit.leaderboard.kubernetes.samples import (
    UID,
    condition,
    ended,
    event,
    job,
    pod,
    running,
    waiting,
)

Manifest = dict[str, Any]
UNSCHEDULABLE = [
    {
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
    }
]  # fmt: skip
FAILED = condition("Failed", "PodFailurePolicy", "Container agent for pod … failed")


def test_lost() -> None:
    phase = read(None, [])
    assert (phase.state, phase.is_over) == ("lost", True)


def test_succeeded() -> None:
    done = pod(ended("agent", 0, "Completed"), phase="Succeeded")
    phase = read(job(condition("Complete"), completionTime="2026-11-20T10:31:00Z"), [done])
    assert (phase.state, phase.is_over) == ("succeeded", True)
    assert (phase.started_at, phase.ended_at) == ("2026-11-20T10:05:00Z", "2026-11-20T10:31:00Z")
    assert read(job(condition("Complete")), []).ended_at == "2026-11-20T11:00:00Z"


def test_not_succeeded_before_kubernetes_says_so() -> None:
    """The agent has ended well; the uploader still sends."""
    held = pod(ended("agent", 0, "Completed"), init=(running("simulator"),), phase="Running")
    phase = read(job(condition("SuccessCriteriaMet")), [held])
    assert (phase.state, phase.is_over) == ("running", False)


def test_running() -> None:
    phase = read(job(), [pod(running("agent"), phase="Running")])
    assert (phase.state, phase.node, phase.pod) == ("running", "gpu-1", "leaderboard-20-99-1-abcde")
    assert phase.started_at == "2026-11-20T10:05:00Z"


def test_being_ended() -> None:
    target = condition("FailureTarget", "DeadlineExceeded", "too long")
    phase = read(job(target), [pod(running("agent"), phase="Running")])
    assert (phase.state, phase.message) == ("running", "it is being ended: too long")


@pytest.mark.parametrize(
    ("found", "reason", "said"),
    [
        (pod(node=None, conditions=UNSCHEDULABLE), "no_gpu_node", "didn't match"),
        (pod(node=None, conditions=UNSCHEDULABLE, gpus=False), "unschedulable", "didn't match"),
        (pod(node=None), "starting", "no node was looked for"),
        (pod(waiting("agent", "ErrImagePull", "no")), "image_pull", "agent: ErrImagePull: no"),
        (pod(waiting("agent", "ImagePullBackOff")), "image_pull", "agent: ImagePullBackOff"),
        (pod(init=(waiting("contents", "InvalidImageName"),)), "image_pull", "contents"),
        (pod(waiting("agent", "CreateContainerConfigError")), "configuration", "agent"),
        (pod(init=(waiting("simulator", "CrashLoopBackOff"),)), "crashing", "simulator"),
        (pod(waiting("agent", "PodInitializing")), "starting", "its node pulls images"),
        (
            pod(waiting("agent", "PodInitializing"),
                init=(running("uploader"), waiting("simulator", "ErrImagePull", "no such tag"))),
            "image_pull", "simulator: ErrImagePull: no such tag",
        ),
        (pod(init=(running("contents", started=False),)), "preparing", "contents is at work"),
        (pod(init=(running("simulator"),)), "starting", "simulator runs"),
        (pod(init=(ended("contents", 0),)), "starting", "its node"),
        (pod(phase="Failed", message="node gone"), "restarting", "node gone"),
        (pod(phase="Failed"), "restarting", "Kubernetes is to decide"),
    ],
)  # fmt: skip
def test_waiting_with_a_pod(found: Manifest, reason: str, said: str) -> None:
    phase = read(job(), [found])
    assert (phase.state, phase.reason) == ("waiting", reason)
    assert said in phase.message
    assert not phase.is_over


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (job(started=False), "not_begun"),
        (job(), "restarting"),
        (job(failed=1), "restarting"),
        ({**job(), "spec": {"suspend": True}}, "suspended"),
    ],
)
def test_waiting_without_a_pod(found: Manifest, reason: str) -> None:
    assert read(found, []).reason == reason


def test_a_sidecar_that_does_not_start_is_told_with_what_its_probe_said() -> None:
    declared: list[Manifest] = [{"name": "uploader", "restartPolicy": "Always", "startupProbe": {}}]
    found = pod(init=(running("simulator"), running("uploader", started=False)))
    found["spec"]["initContainers"] = declared
    said = event(found["metadata"]["uid"], "Unhealthy", "Startup probe failed: not yet")
    phase = read(job(), [found], [said])
    assert (phase.state, phase.reason) == ("waiting", "starting")
    assert phase.message == "uploader is starting; Startup probe failed: not yet"
    found = pod(init=(waiting("uploader", "CrashLoopBackOff", "back-off"),))
    found["spec"]["initContainers"] = declared
    phase = read(job(), [found], [said])
    assert phase.reason == "crashing"
    assert phase.message == "uploader: CrashLoopBackOff: back-off; Startup probe failed: not yet"
    # What it said once has nothing to do with what another container waits for later.
    found = pod(waiting("agent", "ErrImagePull", "no"), init=(running("uploader"),))
    found["spec"]["initContainers"] = declared
    assert read(job(), [found], [said]).message == "agent: ErrImagePull: no"


def test_quota_and_rejection_are_told_by_events() -> None:
    name = UID
    old = event(name, "FailedCreate", 'violates PodSecurity "baseline"')
    new = event(name, "FailedCreate", "exceeded quota: jobs", "2026-11-20T10:02:00Z")
    other = event("another", "FailedCreate", "other", "2026-11-20T10:03:00Z")
    assert read(job(), [], [old, new, other]).reason == "quota"
    assert read(job(), [], [old]).reason == "rejected"
    assert "baseline" in read(job(), [], [old]).message


def test_autoscaler_tells_why_no_node_comes() -> None:
    held = pod(node=None, conditions=UNSCHEDULABLE)
    name = held["metadata"]["uid"]
    said = event(name, "NotTriggerScaleUp", "1 max node group size reached")
    series: Manifest = {
        **event(name, "TriggeredScaleUp", "pod triggered scale-up", ""),
        "series": {"lastObservedTime": "2026-11-20T10:09:00Z"},
    }
    assert "Autoscaler: 1 max node group size" in read(job(), [held], [said]).message
    assert "Autoscaler: pod triggered" in read(job(), [held], [said, series]).message
    nameless = {**said, "lastTimestamp": None, "eventTime": None}
    assert "Autoscaler: 1 max" in read(job(), [held], [nameless]).message


@pytest.mark.parametrize(
    ("found", "reason", "container", "code"),
    [
        (pod(ended("agent", 1), phase="Failed"), "program", "agent", 1),
        (pod(ended("agent", 137, "OOMKilled"), phase="Failed"), "out_of_memory", "agent", 137),
        (pod(ended("agent", 128, "StartError"), phase="Failed"), "cannot_start", "agent", 128),
        (pod(init=(ended("contents", 3),), phase="Failed"), "program", "contents", 3),
        (pod(phase="Failed", reason="DeadlineExceeded"), "deadline", None, None),
        (pod(phase="Failed", reason="Evicted", message="low on memory"), "evicted", None, None),
        (pod(phase="Failed", reason="Evicted", message="emptyDir"), "disk_full", None, None),
        (pod(phase="Failed", reason="UnexpectedAdmissionError"), "rejected", None, None),
        (pod(phase="Failed", reason="NodeShutdown"), "node_lost", None, None),
        (pod(phase="Failed"), "unknown", None, None),
        (pod(ended("agent", 0), phase="Failed"), "unknown", None, None),
    ],
)  # fmt: skip
def test_failed(found: Manifest, reason: str, container: str | None, code: int | None) -> None:
    phase = read(job(FAILED), [found])
    assert (phase.state, phase.reason, phase.is_over) == ("failed", reason, True)
    assert (phase.container, phase.exit_code) == (container, code)
    assert phase.ended_at == "2026-11-20T11:00:00Z"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("DeletionByPodGC", "node_lost"),
        ("DeletionByTaintManager", "node_lost"),
        ("PreemptionByScheduler", "preempted"),
        ("EvictionByEvictionAPI", "evicted"),
        ("TerminationByKubelet", "evicted"),
        ("SomethingNew", "node_lost"),
    ],
)
def test_whoever_takes_the_pod_away_is_to_blame_not_the_program(word: str, reason: str) -> None:
    taken = [{"type": "Ready", "status": "False"}, condition("DisruptionTarget", word, "taken")]
    held = pod(ended("agent", 137), phase="Failed", conditions=taken)
    phase = read(job(FAILED), [held])
    assert (phase.reason, phase.message, phase.container) == (reason, "taken", None)


def test_deadline_of_the_job_is_not_the_programs_fault() -> None:
    failed = condition("Failed", "DeadlineExceeded", "Job was active longer than specified")
    begun = pod(ended("agent", 143), phase="Failed", startTime="2026-11-20T10:04:00Z")
    assert read(job(failed), [begun]).reason == "deadline"
    assert "ran and waited longer" in read(job(failed), [begun]).message
    assert "no pod of it ever ran" in read(job(failed), [pod(node=None)]).message
    silent = condition("Failed", "DeadlineExceeded")
    assert "the deadline has passed" in read(job(silent), []).message


def test_failed_without_a_trace() -> None:
    assert read(job(condition("Failed")), []).message == "Kubernetes gives no reason"
    assert read(job(FAILED), []).reason == "unknown"


def test_the_first_that_failed_is_to_blame_and_sidecars_never() -> None:
    late = ended("agent-2", 9, at="2026-11-20T10:40:00Z")
    early = ended("agent", 7, "Error", message="x" * 5000)
    simulator = ended("simulator", 143, at="2026-11-20T10:00:00Z")
    phase = read(job(FAILED), [pod(late, early, init=(simulator,), phase="Failed")])
    assert (phase.container, phase.exit_code) == ("agent", 7)
    # What a container says of itself is not let in at any length.
    assert len(phase.message) < 600


def test_newest_pod_counts() -> None:
    first = pod(phase="Failed", reason="NodeLost", name="z-first")
    second = pod(running("agent"), created="2026-11-20T10:20:00Z", name="a-second")
    phase = read(job(), [second, first])
    assert (phase.state, phase.pod, phase.restarts) == ("running", "a-second", 1)


def test_of_two_pods_of_one_second_the_living_one_counts() -> None:
    first = pod(ended("agent", 137), phase="Failed", name="z-first")
    second = pod(running("agent"), phase="Running", name="a-second")
    assert read(job(), [first, second]).pod == "a-second"
    assert read(job(), [second, first]).pod == "a-second"


def test_pods_of_an_earlier_job_of_the_same_name_do_not_count() -> None:
    phase = read(job(started=False), [pod(ended("agent", 1), phase="Failed", uid="other")])
    assert (phase.state, phase.reason) == ("waiting", "not_begun")


def test_between_two_pods() -> None:
    """What a lost node last said of its containers is still that they run."""
    lost = pod(running("agent"), phase="Failed")
    assert (read(job(), [lost]).state, read(job(), [lost]).reason) == ("waiting", "restarting")


def test_nothing_of_its_own_counts_as_a_start() -> None:
    """A pod that was lost before its main container began has not run."""
    phase = read(job(), [pod(waiting("agent", "PodInitializing"))])
    assert (phase.state, phase.started_at) == ("waiting", None)
