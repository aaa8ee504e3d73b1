"""The stand-in keeps EvalAI's rules, the surprising ones too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.leaderboard.evalai.stage import (
    IMAGE,
    OTHER_PHASE,
    STRANGER_TOKEN,
    TEAM_TOKEN,
    Stage,
    result,
)

if TYPE_CHECKING:
    from pathlib import Path

SUCCESS = {"success": "Submission result has been successfully updated"}
UPDATE = "/api/jobs/challenge/7/update_submission/"


@pytest.mark.parametrize("status", ["FINISHED", "finished", "Failed", "CANCELLED"])
def test_final_statuses_in_any_case(stage: Stage, status: str) -> None:
    key = stage.submit()
    answer = stage.update(key, submission_status=status, result=result())
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert stage.held(key)["status"] == status.lower()
    assert stage.held(key)["completed_at"].endswith("Z")


@pytest.mark.parametrize("status", ["", "RUNNING", "PARTIALLY_EVALUATED", "done"])
def test_other_statuses_are_invalid(stage: Stage, status: str) -> None:
    key = stage.submit()
    answer = stage.update(key, submission_status=status, result=result())
    assert answer.status_code == 400
    assert answer.json() == {"error": "Sorry, submission status is invalid"}
    assert stage.held(key)["status"] == "submitted"


def test_a_late_result_overwrites_a_cancel(stage: Stage) -> None:
    key = stage.submit()
    stage.cancel(key)
    assert stage.update(key, submission_status="FINISHED", result=result()).status_code == 200
    assert stage.held(key)["status"] == "finished"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "the JSON object must be str, bytes or bytearray, not list"),
        (json.loads(result()), "not list"),
        (None, "not NoneType"),
        ("", "Expecting value"),
        ("{", "`result` key contains invalid data with error"),
        (result(split="other"), "phase_id: 12 andsplit codename: other"),
        (result(label="Score"), "missing in theleaderboard data: ['Score']"),
        (result("41"), "not offloat/int: [('Driving score', <class 'str'>)]"),
        (result([]), "<class 'list'>"),
        (result(None), "<class 'NoneType'>"),
        (result("NaN"), "<class 'str'>"),
    ],
)
def test_results_that_evalai_rejects(stage: Stage, content: Any, words: str) -> None:
    key = stage.submit()
    for tell in (stage.update, stage.interim):
        answer = tell(key, submission_status="FINISHED", result=content)
        assert answer.status_code == 400
        assert words in answer.json()["error"]
    assert "scores" not in stage.held(key)


def test_true_is_a_number_and_labels_may_be_missing(stage: Stage) -> None:
    key = stage.submit()
    assert stage.update(key, submission_status="FINISHED", result=result(True)).status_code == 200
    # The phase is looked up, not compared with the submission's own.
    other = key._replace(phase=OTHER_PHASE)
    assert stage.update(other, submission_status="FINISHED", result=result()).status_code == 200
    assert set(stage.held(key)["scores"]) == {"12/leaderboard", "13/leaderboard"}


@pytest.mark.parametrize(
    "content",
    [
        {"stdout": None}, {"stderr": 5}, {"environment_log": None}, {"submission_status": None},
        {"result": "{}"}, {"result": "[1]"}, {"result": '[{"split": "leaderboard"}]'},
        {"result": result(float("nan"))}, {"submission": None}, {"submission": 1.5},
        {"stdout": "\ud800"},
    ],
)  # fmt: skip
def test_what_makes_evalai_stumble(stage: Stage, content: dict[str, Any]) -> None:
    key = stage.submit()
    body = {"submission": key.submission, "challenge_phase": 12} | content
    body = {"submission_status": "FINISHED", "result": result()} | body
    answer = stage.call(
        "PUT", UPDATE, content=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 500
    assert stage.held(key)["status"] == "submitted"
    assert stage.told()[0]["reason"]


def test_a_failure_needs_no_result(stage: Stage) -> None:
    key = stage.submit()
    assert stage.update(key, submission_status="failed", result="junk").status_code == 200


def test_interim_results(stage: Stage) -> None:
    key = stage.submit()
    answer = stage.interim(key, submission_status="PARTIALLY_EVALUATED", result=result(1.0))
    assert answer.json() == SUCCESS
    assert stage.held(key)["status"] == "partially_evaluated"
    assert stage.interim(key, submission_status="RUNNING").status_code == 400
    unknown = stage.interim(key, submission_status="FINISHED", result=result(1, "Other"))
    assert "['Other'] of challenge phase: 12" in unknown.json()["error"]
    waived = stage.submit(OTHER_PHASE)
    answer = stage.interim(waived, submission_status="FINISHED", result=result(1, "Other"))
    assert answer.status_code == 200


def test_under_way(stage: Stage) -> None:
    key = stage.submit()
    body = {"submission": str(key.submission), "submission_status": "RUNNING", "job_name": "Job"}
    answer = stage.call("PATCH", UPDATE, json=body)
    assert answer.json()["job_name"] == ["job"]
    assert answer.json()["started_at"]
    queued = stage.call(
        "PATCH", UPDATE, data=body | {"submission_status": "queued", "job_name": ""}
    )
    assert (queued.json()["status"], queued.json()["job_name"]) == ("queued", ["job"])
    assert (
        stage.call("PATCH", UPDATE, json=body | {"submission_status": "finished"}).status_code
        == 400
    )


def test_who_may_do_what(stage: Stage) -> None:
    key = stage.submit()
    path = f"/api/jobs/submission/{key.submission}"
    assert stage.call("GET", path, None).status_code == 401
    assert stage.call("GET", path, "wrong").json() == {"detail": "Token is invalid or expired"}
    assert stage.call("GET", path, TEAM_TOKEN).status_code == 200
    assert stage.call("GET", path, STRANGER_TOKEN).status_code == 403
    for token in (TEAM_TOKEN, STRANGER_TOKEN):
        answer = stage.call("PUT", UPDATE, token, json={})
        assert answer.status_code == 400  # and not 403
        assert answer.json()["error"] == "Sorry, you are not authorized to make this request!"
    assert stage.call("PUT", UPDATE.replace("7", "8"), json={}).status_code == 400
    legacy = stage.call("GET", path, None, headers={"Authorization": f"Token {TEAM_TOKEN}"})
    assert legacy.status_code == 200


def test_addresses_are_taken_by_the_letter(stage: Stage) -> None:
    key = stage.submit()
    path = f"/api/jobs/submission/{key.submission}"
    assert stage.call("GET", f"{path}/").status_code == 404
    assert stage.call("PUT", UPDATE.rstrip("/"), json={}).status_code == 301
    assert stage.call("PUT", UPDATE.replace("challenge", "challenges"), json={}).status_code == 404
    singular = "/api/jobs/challenge/7/update_partially_evaluated_submission/"
    assert stage.call("PUT", singular, json={}).status_code == 404
    assert stage.call("DELETE", path).json() == {"detail": 'Method "DELETE" not allowed.'}
    assert stage.call("GET", "/api/jobs/submission/99").json() == {
        "detail": "Submission 99 does not exist"
    }


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [(b"{", "application/json", 400), (b"[]", "application/json", 500), (b"x", "text/plain", 415)],
)
def test_bodies_that_are_no_object(stage: Stage, content: bytes, kind: str, status: int) -> None:
    answer = stage.call("PUT", UPDATE, content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert stage.told()[0]["status"] == status


def test_participants_cancel_their_own_and_only_open_ones(stage: Stage) -> None:
    key = stage.submit()
    assert stage.cancel(key, STRANGER_TOKEN).status_code == 403
    path = f"/api/jobs/challenges/7/submissions/{key.submission}/update_submission_meta/"
    assert stage.call("PATCH", path, TEAM_TOKEN, json={"status": "finished"}).status_code == 400
    assert stage.cancel(key).json()["status"] == "cancelled"
    assert stage.cancel(key).json() == {"error": "Submission is cancelled already"}


def test_the_limit_is_of_the_last_minute_and_per_person(tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    with Stage(tmp_path / "state", calls_a_minute=60, clock=lambda: now[0]) as stage:
        path = f"/api/jobs/submission/{stage.submit().submission}"
        for _ in range(60):
            assert stage.call("GET", path).status_code == 200
            now[0] += 0.5
        answer = stage.call("GET", path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
        assert "Expected available in 30 seconds." in answer.json()["detail"]
        assert stage.call("GET", path, TEAM_TOKEN).status_code == 200
        assert stage.call("GET", path, "wrong").status_code == 401
        now[0] += 30
        assert stage.call("GET", path).status_code == 200
        assert stage.call("GET", path).status_code == 429


def test_the_limit_can_be_another_one_for_a_while(tmp_path: Path) -> None:
    with Stage(tmp_path / "state", calls_a_minute=1) as stage:
        path = f"/api/jobs/submission/{stage.submit().submission}"
        assert [stage.call("GET", path).status_code for _ in range(2)] == [200, 429]
        stage.admin("PUT", "limit", {"calls_a_minute": 3})
        assert [stage.call("GET", path).status_code for _ in range(4)] == [200, 200, 200, 429]
        stage.admin("PUT", "limit", {"calls_a_minute": None})
        assert [stage.call("GET", path).status_code for _ in range(2)] == [200, 429]


def test_logs_are_for_those_who_may_see_them(stage: Stage) -> None:
    key = stage.submit()
    stage.update(key, submission_status="FAILED", stdout="said")
    found = stage.call("GET", f"/api/jobs/submission/{key.submission}").json()
    assert stage.call("GET", found["stdout_file"]).text == "said"
    assert stage.call("GET", found["stdout_file"], STRANGER_TOKEN).status_code == 403
    assert stage.call("GET", found["stdout_file"].replace("stdout", "image")).status_code == 404
    assert IMAGE not in str(found)
