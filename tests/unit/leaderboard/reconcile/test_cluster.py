"""Jobs that nobody needs any more are deleted, with their forms; all others are left alone."""

from __future__ import annotations

import pytest

from glue.leaderboard.kubernetes.errors import KubernetesUnavailable
from glue.leaderboard.names import job_name
from glue.leaderboard.reconcile import Unreconciled
from glue.leaderboard.states import State
from glue.leaderboard.table import SubmissionItem
from tests.unit.leaderboard.reconcile.stage import Scene
from tests.unit.leaderboard.store.ground import LEADERBOARD

LONG = 1000.0


def job_of(scene: Scene, item: SubmissionItem, attempt: int = 1) -> str:
    name = job_name(LEADERBOARD, item.submission, attempt)
    scene.jobs.have(name, scene.now, submission=str(item.submission), attempt=str(attempt))
    return name


def closed(scene: Scene) -> SubmissionItem:
    return scene.submitted(State.FINISHED, evalai_status="finished")


def test_the_job_of_a_closed_submission(scene: Scene) -> None:
    name = job_of(scene, closed(scene))
    assert scene.reconcile() == {}, "whoever has just closed it deletes it"
    scene.later(LONG)
    assert scene.reconcile() == {"jobs_deleted": 1}
    assert scene.jobs.deleted == [(name, f"uid-of-{name}")]
    assert scene.jobs.secrets_deleted == [name]


def test_the_job_of_a_submission_that_nobody_knows(scene: Scene) -> None:
    scene.jobs.have("stranger", scene.now, submission="4711", attempt="1")
    scene.later(LONG)
    assert scene.reconcile() == {"jobs_deleted": 1}


def test_the_job_of_an_earlier_attempt(scene: Scene) -> None:
    item = scene.submitted(State.RUNNING)
    again = scene.ground.table.open(item.model_copy(update={"attempt": 2}))
    scene.states.have(again, "RUNNING", scene.now)
    earlier = job_of(scene, item, 1)
    job_of(scene, item, 2)
    scene.later(LONG)
    assert scene.reconcile()["jobs_deleted"] == 1
    assert [name for name, _ in scene.jobs.deleted] == [earlier]


def test_jobs_that_are_needed_young_or_going(scene: Scene) -> None:
    item = scene.submitted(State.RUNNING)
    scene.states.have(item, "RUNNING", scene.now)
    job_of(scene, item)
    going = scene.jobs.have("going", scene.now, submission="4711", attempt="1")
    going["metadata"]["deletionTimestamp"] = "2026-11-18T10:00:00Z"
    scene.jobs.have("by-hand", scene.now)
    scene.later(LONG)
    scene.jobs.have("young", scene.now, submission="4711", attempt="1")
    scene.jobs.have("timeless", scene.now, submission="4711", attempt="1")["metadata"].pop(
        "creationTimestamp"
    )
    assert "jobs_deleted" not in scene.reconcile()
    assert scene.jobs.deleted == []


def test_one_that_has_just_been_closed_keeps_its_old_job_for_a_moment(scene: Scene) -> None:
    item = scene.submitted(State.RUNNING)
    job_of(scene, item)
    scene.later(LONG)
    scene.ground.table.move(item, State.FINISHED, evalai_status="finished")
    assert "jobs_deleted" not in scene.reconcile()
    scene.later(LONG)
    assert scene.reconcile() == {"jobs_deleted": 1}


def test_another_job_of_the_same_name_is_left_alone(scene: Scene) -> None:
    job_of(scene, closed(scene))
    scene.later(LONG)
    scene.jobs.conflict = True
    assert scene.reconcile() == {}
    assert scene.jobs.secrets_deleted == []


@pytest.mark.parametrize("word", ["jobs", "delete_job"])
def test_a_cluster_that_does_not_answer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    job_of(scene, closed(scene))
    scene.later(LONG)

    def unavailable(*_: object, **__: object) -> None:
        raise KubernetesUnavailable("nobody answers")

    monkeypatch.setattr(scene.jobs, word, unavailable)
    with pytest.raises(Unreconciled, match="nobody answers"):
        scene.reconcile()
