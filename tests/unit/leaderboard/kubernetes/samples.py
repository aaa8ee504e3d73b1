"""A Job of a submission, and what Kubernetes would say of it."""

from __future__ import annotations

from typing import Any

from glue.leaderboard.kubernetes.values import (
    Container,
    JobValues,
    Mount,
    Resources,
    Uploader,
    Volume,
)

Manifest = dict[str, Any]

RESULTS = Mount(volume="results", path="/results")
UID = "0b7f3c1e-0000-0000-0000-000000000001"


def job_values(**changes: Any) -> JobValues:
    """Values as a leaderboard gives them: a simulator beside an agent, one GPU each."""
    values: dict[str, Any] = {
        "name": "leaderboard-20-99-1",
        "leaderboard": "leaderboard-20",
        "submission": 99,
        "attempt": 1,
        "uploader": Uploader(
            image="123456789012.dkr.ecr.eu-central-1.amazonaws.com/uploader:1",
            form_secret="leaderboard-20-99-1",
            mounts=(Mount(volume="results", path="/results", is_read_only=True),),
        ),
        "preparation": (Container(name="contents", image="contents:1", mounts=(RESULTS,)),),
        "sidecars": (
            Container(name="simulator", image="simulator:1", resources=Resources(gpus=1)),
        ),
        "main": (
            Container(
                name="agent",
                image="123456789012.dkr.ecr.us-east-1.amazonaws.com/team-5:1f2e",
                variables={"ROUTES": "/results/routes.xml"},
                resources=Resources(cpu_millis=4000, memory_mib=16384, disk_gib=20, gpus=1),
                mounts=(RESULTS,),
            ),
        ),
        "volumes": (Volume(name="results"),),
        "log_group": "leaderboard-20",
        "run_seconds": 3600,
        "waiting_seconds": 1800,
    }
    return JobValues.model_validate(values | changes)


def job(*conditions: Manifest, started: bool = True, **status: Any) -> Manifest:
    """A Job as the API shows it."""
    times = {"startTime": "2026-11-20T10:00:00Z"} if started else {}
    return {
        "metadata": {"name": "leaderboard-20-99-1", "uid": UID},
        "spec": {},
        "status": {**times, "conditions": list(conditions), **status},
    }


def condition(kind: str, reason: str = "", message: str = "") -> Manifest:
    """A condition that is fulfilled."""
    return {
        "type": kind, "status": "True", "reason": reason, "message": message,
        "lastTransitionTime": "2026-11-20T11:00:00Z",
    }  # fmt: skip


def pod(
    *containers: Manifest,
    init: tuple[Manifest, ...] = (),
    created: str = "2026-11-20T10:00:01Z",
    name: str = "leaderboard-20-99-1-abcde",
    node: str | None = "gpu-1",
    gpus: bool = True,
    uid: str = UID,
    **status: Any,
) -> Manifest:
    """A pod as the API shows it, with a sidecar `simulator` and a main container `agent`."""
    limits = {"limits": {"nvidia.com/gpu": "1"}} if gpus else {}
    spec: Manifest = {
        "initContainers": [
            {"name": "contents"},
            {"name": "simulator", "restartPolicy": "Always", "resources": limits},
        ],
        "containers": [{"name": "agent", "resources": limits}],
    }
    if node is not None:
        spec["nodeName"] = node
    return {
        "metadata": {
            "name": name,
            "uid": f"uid of {name}",
            "creationTimestamp": created,
            "ownerReferences": [{"uid": uid}],
        },
        "spec": spec,
        "status": {
            "phase": "Pending",
            "containerStatuses": list(containers),
            "initContainerStatuses": list(init),
            **status,
        },
    }


def waiting(name: str, reason: str, message: str = "") -> Manifest:
    """A container that does not run yet."""
    return {"name": name, "state": {"waiting": {"reason": reason, "message": message}}}


def running(name: str, *, started: bool = True, **more: Any) -> Manifest:
    """A container that runs."""
    state = {"running": {"startedAt": "2026-11-20T10:05:00Z"}}
    return {"name": name, "state": state, "started": started, **more}


def crashed(name: str, code: int, times: int, reason: str = "Error") -> Manifest:
    """A container that waits for its next start after so many ends."""
    last = {"terminated": {"exitCode": code, "reason": reason}}
    held = waiting(name, "CrashLoopBackOff", "back-off 40s restarting failed container")
    return {**held, "restartCount": times, "lastState": last}


def ended(
    name: str, code: int, reason: str = "Error", at: str = "2026-11-20T10:30:00Z", **more: str
) -> Manifest:
    """A container that has ended."""
    told = {"exitCode": code, "reason": reason, "finishedAt": at, **more}
    return {"name": name, "state": {"terminated": {"startedAt": "2026-11-20T10:05:00Z", **told}}}


def event(about: str, reason: str, message: str, at: str = "2026-11-20T10:01:00Z") -> Manifest:
    """Something that was noted."""
    return {
        "involvedObject": {"uid": about},
        "reason": reason,
        "message": message,
        "lastTimestamp": at,
    }
