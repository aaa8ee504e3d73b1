"""A cluster that refuses, loses and lacks: every submission ends, with the right reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from glue.leaderboard.states import State
from tests.local.leaderboards import EVALUATOR, Leaderboards, Submission
from tests.platform import Platform

SLOWLY = [*EVALUATOR[:-1], "0.3"]


@pytest.fixture(scope="module", autouse=True)
def overdue(platform: Platform) -> Submission:
    """A submission that hangs; a minute is the shortest that Kubernetes lets it run.

    It is begun before the first test of this file and looked at by the last. It fills a node of
    its own, which none of the others loses.
    """
    leaderboards = Leaderboards(platform)
    leaderboards.evaluator([*EVALUATOR[:-1], "1000"])
    with leaderboards.settings("run_submission", "leaderboard-20", run_seconds=60):
        submission = leaderboards.submit("leaderboard-20-SENSORS")
        leaderboards.until_in(submission, State.RUNNING)
    return submission


def test_refused_for_good(leaderboards: Leaderboards) -> None:
    leaderboards.break_cluster(api=[{"kind": "refused", "verbs": ["create"], "times": 1000}])
    submission = leaderboards.submit()
    leaderboards.until_closed(submission)
    item = leaderboards.assert_sound(submission, State.FAILED)
    assert item.reason_code == "kubernetes_refused"
    assert "access" in item.remedy


@pytest.mark.parametrize("kind", ["down", "busy", "broken", "stranger", "lost", "unauthorised"])
def test_out_of_order_for_a_while(leaderboards: Leaderboards, kind: str) -> None:
    leaderboards.break_cluster(api=[{"kind": kind, "times": 6}])
    submission = leaderboards.submit()
    leaderboards.until_closed(submission)
    leaderboards.assert_sound(submission, State.FINISHED)
    assert leaderboards.met()


def test_a_job_that_somebody_deletes(leaderboards: Leaderboards) -> None:
    leaderboards.evaluator(SLOWLY)
    submission = leaderboards.submit()
    leaderboards.until_in(submission, State.RUNNING)
    leaderboards.lose_job(submission)
    leaderboards.until_closed(submission)
    item = leaderboards.assert_sound(submission, State.FAILED)
    assert item.reason_code == "job_lost"


def test_a_node_that_goes_away_has_the_run_begin_again(leaderboards: Leaderboards) -> None:
    leaderboards.evaluator(SLOWLY)
    submission = leaderboards.submit()
    item = leaderboards.until_in(submission, State.RUNNING)
    assert item.node
    leaderboards.lose_node(item.node)
    leaderboards.until(
        lambda: (found := leaderboards.item(submission)) and found.pod != item.pod,
        "another pod took its place",
    )
    leaderboards.until_closed(submission)
    leaderboards.assert_sound(submission, State.FINISHED)


def test_a_pod_that_waits_beyond_its_deadline(leaderboards: Leaderboards) -> None:
    leaderboards.break_cluster(gpu_nodes=0)
    with leaderboards.settings("run_submission", waiting_seconds=4):
        submission = leaderboards.submit()
        leaderboards.until_closed(submission)
        item = leaderboards.assert_sound(submission, State.FAILED)
    assert item.launched_at
    assert item.reason_code == "no_gpu_node"
    assert "GPU" in item.reason
    assert "node groups" in item.remedy


def test_an_image_that_cannot_be_pulled(leaderboards: Leaderboards) -> None:
    # Long enough for a node to come and for the first pull to fail.
    with leaderboards.settings("run_submission", waiting_seconds=10):
        submission = leaderboards.submit(image="nowhere-to-be-found")
        leaderboards.until_closed(submission)
        item = leaderboards.assert_sound(submission, State.FAILED)
    assert item.reason_code == "image_pull"


@pytest.mark.parametrize(("kind", "code"), [("crash", "program"), ("memory", "out_of_memory")])
def test_an_evaluator_that_ends_badly(leaderboards: Leaderboards, kind: str, code: str) -> None:
    leaderboards.break_cluster(containers=[{"kind": kind, "container": "evaluator-*"}])
    submission = leaderboards.submit()
    leaderboards.until_closed(submission)
    item = leaderboards.assert_sound(submission, State.FAILED)
    assert item.reason_code == code


@pytest.mark.parametrize(
    ("fault", "route_seconds"),
    [
        # Before it is ready: it is started again after ten seconds, and only then the rest.
        ({"kind": "crash"}, "0"),
        # In the midst of the run. Was that over before it is back, nothing would be sent.
        ({"kind": "memory", "after_seconds": 3}, "0.6"),
    ],
)
def test_an_uploader_in_trouble_loses_nothing(
    leaderboards: Leaderboards, fault: dict[str, Any], route_seconds: str
) -> None:
    leaderboards.evaluator([*EVALUATOR[:-1], route_seconds])
    leaderboards.break_cluster(containers=[{"container": "uploader", **fault}])
    submission = leaderboards.submit()
    leaderboards.until_closed(submission)
    leaderboards.assert_sound(submission, State.FINISHED)
    assert not leaderboards.ask("GET", f"{leaderboards.cluster}/stand-in/faults")["containers"]


def test_an_uploader_that_is_down_when_the_run_is_over(leaderboards: Leaderboards) -> None:
    """No cluster starts it again then. That is told, and is not held against the evaluator."""
    leaderboards.evaluator([*EVALUATOR[:-1], "0.1"])
    leaderboards.break_cluster(
        containers=[{"container": "uploader", "kind": "memory", "after_seconds": 1}]
    )
    submission = leaderboards.submit()
    leaderboards.until_closed(submission)
    item = leaderboards.assert_sound(submission, State.FAILED)
    assert item.reason_code == "results_not_sent"
    assert "uploader ended with 137 (OOMKilled)" in item.reason
    assert "uploader printed" in item.remedy


def test_a_run_beyond_its_deadline(leaderboards: Leaderboards, overdue: Submission) -> None:
    leaderboards.until_closed(overdue)
    item = leaderboards.assert_sound(overdue, State.FAILED)
    assert item.reason_code == "deadline"
    assert item.started_at
    assert item.ended_at
    began, ended = map(datetime.fromisoformat, (item.started_at, item.ended_at))
    assert ended - began < timedelta(seconds=600), "a route of it takes 1000"
