"""An evaluator that ended badly ends the run, unless the cluster itself is ending the pod."""

from __future__ import annotations

from typing import Any

import pytest

from glue.leaderboard.kubernetes.status import Phase
from glue.leaderboard.steps.cluster import Sight
from glue.leaderboard.times import seconds_of

BEGAN = "2026-11-20T12:00:00Z"
NOW = seconds_of(BEGAN) + 600


def pod(code: int = 1, metadata: Any = None, **status: Any) -> dict[str, Any]:
    ended = {"terminated": {"exitCode": code, "reason": "Error"}}
    containers = [
        {"name": "evaluator-1", "state": ended},
        {"name": "evaluator-2", "state": {"running": {"startedAt": BEGAN}}},
    ]
    return {
        "metadata": {"name": "pod", **(metadata or {})},
        "spec": {"activeDeadlineSeconds": 3600},
        "status": {"startTime": BEGAN, "containerStatuses": containers, **status},
    }


def doomed(found: dict[str, Any] | None, now: float = NOW) -> Phase | None:
    return Sight({}, Phase(state="running"), found).doomed(now)


def test_the_run_has_failed_with_its_first_evaluator() -> None:
    phase = doomed(pod(3))
    assert phase is not None
    assert (phase.state, phase.reason, phase.container) == ("failed", "program", "evaluator-1")
    assert phase.exit_code == 3


@pytest.mark.parametrize(
    "found",
    [
        None,
        pod(0),
        pod(metadata={"deletionTimestamp": BEGAN}),
        pod(reason="Evicted"),
        pod(conditions=[{"type": "DisruptionTarget", "status": "True"}]),
    ],
)
def test_what_the_cluster_ends_is_waited_for(found: dict[str, Any] | None) -> None:
    assert doomed(found) is None


def test_what_its_deadline_ends_is_waited_for() -> None:
    assert doomed(pod(conditions=[{"type": "DisruptionTarget", "status": "False"}])) is not None
    assert doomed(pod(), seconds_of(BEGAN) + 3599) is None
