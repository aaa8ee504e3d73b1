"""The stand-in as a program: its memory, its faults, its messages, its own routes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
from moto import mock_aws

from glue.errors import InputError
from glue.local.evalai import application
from glue.local.evalai.__main__ import main
from glue.local.evalai.server import Server
from tests.unit.leaderboard.evalai.stage import (
    HOST_TOKEN,
    IMAGE,
    OTHER_PHASE,
    PHASE,
    TEAM_TOKEN,
    Stage,
    result,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = {"access_key_id": "AKIAEVALAI", "secret_access_key": "secret", "region": "us-east-1"}


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with Stage(state, calls_a_minute=3) as stage:
        key = stage.submit()
        stage.update(key, submission_status="FINISHED", result=result())
        stage.call("GET", f"/api/jobs/submission/{key.submission}")
        stage.fault("status", status=418, times=2, path="/nowhere")
        told = stage.told()
    assert state.stat().st_mode & 0o077 == 0
    with Server(state, calls_a_minute=3) as server:
        found = httpx.get(f"{server.url}/stand-in/submissions").json()
        assert found[0]["status"] == "finished"
        assert httpx.get(f"{server.url}/stand-in/told").json() == told
        assert len(httpx.get(f"{server.url}/stand-in/faults").json()) == 1
        url = f"{server.url}/api/jobs/submission/1"
        headers = {"Authorization": f"Bearer {HOST_TOKEN}"}
        answers = [httpx.get(url, headers=headers).status_code for _ in range(2)]
        assert answers == [200, 429]


def test_faults_meet_the_calls_they_are_for(stage: Stage) -> None:
    key = stage.submit()
    path = f"/api/jobs/submission/{key.submission}"
    stage.fault("status", status=503, times=2, method="PUT")
    stage.fault("down", path=path)
    with pytest.raises(httpx.RemoteProtocolError):
        stage.call("GET", path)
    assert stage.call("GET", path).status_code == 200
    answers = [stage.update(key, submission_status="FAILED").status_code for _ in range(3)]
    assert answers == [503, 503, 200]
    assert [t["fault"] for t in stage.told()] == ["down", None, "status", "status", None]


def test_a_lost_answer_is_of_a_change_that_was_made(stage: Stage) -> None:
    key = stage.submit()
    stage.fault("lost")
    with pytest.raises(httpx.RemoteProtocolError):
        stage.update(key, submission_status="FAILED")
    assert stage.held(key)["status"] == "failed"


def test_a_slow_call_stops_no_other(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    key = stage.submit()
    asleep, awake = threading.Event(), threading.Event()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        asleep.set()
        assert awake.wait(60)

    monkeypatch.setattr(application, "time", SimpleNamespace(sleep=sleep))
    stage.fault("slow", seconds=9)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(stage.call, "GET", f"/api/jobs/submission/{key.submission}")
        assert asleep.wait(60)
        assert stage.update(key, submission_status="FAILED").status_code == 200
        awake.set()
        assert slow.result().json()["status"] == "failed"
    assert slept == [9]


def test_faults_can_be_taken_back(stage: Stage) -> None:
    key = stage.submit()
    stage.fault("status", times=None)
    assert stage.update(key, submission_status="FAILED").status_code == 500
    stage.admin("DELETE", "faults")
    assert stage.admin("GET", "faults") == []
    assert stage.update(key, submission_status="FAILED").status_code == 200


@pytest.fixture
def queue(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("sqs", region_name="us-east-1")
        client.create_queue(QueueName="submissions")
        client.create_queue(QueueName="submissions.fifo", Attributes={"FifoQueue": "true"})
        yield client


def bodies(client: Any, name: str) -> list[dict[str, Any]]:
    url = client.get_queue_url(QueueName=name)["QueueUrl"]
    found = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    return [json.loads(message["Body"]) | message["Attributes"] for message in found["Messages"]]


def test_messages_have_the_form_of_who_made_them(stage: Stage, queue: Any) -> None:
    stage.put_challenge(queue={"name": "submissions", **KEYS})
    first = stage.submit()
    (message,) = bodies(queue, "submissions")
    expected = {
        "challenge_pk": "7",
        "phase_pk": "12",
        "submission_pk": 1,
        "is_static_dataset_code_upload_submission": False,
        "submitted_image_uri": IMAGE,
    }
    assert message | expected == message
    again = stage.call("POST", f"/api/jobs/submissions/{first.submission}/re-run/")
    assert again.json()["id"] == 2
    assert stage.held(first)["status"] == "cancelled"
    (message,) = bodies(queue, "submissions")
    expected |= {"challenge_pk": 7, "phase_pk": 12, "submission_pk": 2}
    assert message | expected == message


def test_a_resume_has_the_same_number_and_needs_a_failure(stage: Stage, queue: Any) -> None:
    stage.put_challenge(queue={"name": "submissions.fifo", **KEYS})
    key = stage.submit(image=None)
    path = f"/api/jobs/submissions/{key.submission}/resume/"
    assert stage.call("POST", path).status_code == 400
    stage.update(key, submission_status="FAILED")
    assert stage.call("POST", path, TEAM_TOKEN).status_code == 400
    answer = stage.call("POST", path).json()
    assert (answer["status"], answer["id"]) == ("resuming", key.submission)
    found = bodies(queue, "submissions.fifo")
    assert [message["submission_pk"] for message in found] == [1, 1]
    assert {message["MessageGroupId"] for message in found} == {"12-31"}
    assert "submitted_image_uri" not in found[0]
    stage.put_challenge(allow_resuming_submissions=False)
    stage.update(key, submission_status="FAILED")
    assert "does not allow" in stage.call("POST", path).text


def test_a_queue_that_is_not_there_loses_the_message(stage: Stage, queue: Any) -> None:
    stage.put_challenge(queue={"name": "missing", **KEYS})
    content = {"challenge": 7, "phase": PHASE, "team": 31}
    answer = stage.admin("POST", "submissions", content)
    assert "NonExistentQueue" in answer["problem"]
    assert "submitted_image_uri" not in answer["message"]
    stage.call("POST", "/api/jobs/submissions/1/re-run/")
    assert "NonExistentQueue" in stage.told()[-1]["reason"]


def test_the_board_has_the_best_of_each_team(stage: Stage) -> None:
    for score in (3.0, 9.0, 5.0):
        key = stage.submit()
        stage.update(key, submission_status="FINISHED", result=result(score))
    rival = stage.submit(team=77)
    stage.update(rival, submission_status="FINISHED", result=result(7))
    shown = stage.submit()
    stage.interim(shown, submission_status="PARTIALLY_EVALUATED", result=result(99))
    rows = stage.admin("GET", f"board/{PHASE}")
    assert [(row["team"], row["accuracies"]["Driving score"]) for row in rows] == [
        (31, 9.0),
        (77, 7),
    ]
    assert rows[0]["team_name"] == "Racers"
    assert stage.admin("GET", f"board/{OTHER_PHASE}") == []


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "words"),
    [
        ("PUT", "challenges/7", b'{"title": "x"}', 400, "hosts: Field required"),
        ("PUT", "people", b'{"name": "x", "token": "12345678", "x": 1}', 400, "x: Extra inputs"),
        ("PUT", "people", b"null", 400, "body: "),
        ("POST", "faults", b"{", 400, "body: "),
        ("POST", "submissions", b'{"challenge": 8, "phase": 1, "team": 1}', 404, "Challenge 8"),
        ("POST", "submissions", b'{"challenge": 7, "phase": 1, "team": 1}', 400, "Challenge Phase"),
        ("GET", "submissions/99", b"", 404, "does not exist"),
        ("GET", "nothing", b"", 404, "Not Found"),
        ("POST", "people", b"", 405, "not allowed"),
    ],
)
def test_its_own_routes_say_what_is_wrong(
    stage: Stage, method: str, path: str, content: bytes, status: int, words: str
) -> None:
    answer = stage.http.request(method, f"{stage.url}/stand-in/{path}", content=content)
    assert answer.status_code == status
    assert words in answer.text


def test_it_never_claims_to_be_evalai(stage: Stage) -> None:
    answer = stage.call("GET", "/api/jobs/submission/1")
    assert answer.headers["Server"] == "EvalAI stand-in (not EvalAI)"
    assert stage.admin("GET", "")["name"] == "EvalAI stand-in"


def test_a_person_may_get_another_token(stage: Stage) -> None:
    stage.admin("PUT", "people", {"name": "host", "token": "another-token"})
    assert stage.call("GET", "/api/jobs/submission/99", "another-token").status_code == 404
    assert stage.call("GET", "/api/jobs/submission/99").status_code == 401


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_program(tmp_path: Path, how: signal.Signals) -> None:
    words = [sys.executable, "-m", "glue.local.evalai", "--port", "0", "--state"]
    with subprocess.Popen(
        [*words, str(tmp_path / "deep" / "state")], stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        line = program.stdout.readline()
        url = line.split(" on ")[1].split(",")[0]
        assert "not EvalAI" in line
        assert httpx.get(f"{url}/stand-in/", trust_env=False, timeout=60).status_code == 200
        program.send_signal(how)
        assert program.wait(60) == 0


def test_a_port_that_is_taken(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = stage.url.rpartition(":")[2]
    previous = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert main(["--port", port, "--state", str(tmp_path / "other")]) == 1
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    assert "write a free one, or 0" in capsys.readouterr().err
    with pytest.raises(InputError, match="cannot be had"):
        Server(tmp_path / "third", int(port))


@pytest.mark.parametrize("wrong", [["--port", "70000"], ["--port", "0", "--calls-a-minute", "0"]])
def test_options_out_of_range(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2


def test_time_is_utc(stage: Stage) -> None:
    submitted = stage.held(stage.submit())["submitted_at"]
    assert submitted[:10] in {
        time.strftime("%Y-%m-%d", time.gmtime(time.time() - s)) for s in (0, 60)
    }
    assert submitted.endswith("Z")
