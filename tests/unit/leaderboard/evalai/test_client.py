"""The client against the stand-in, over a real socket."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from glue.errors import InputError
from glue.leaderboard.evalai.client import EvalAI
from glue.leaderboard.evalai.errors import (
    EvalAIBusy,
    EvalAIRefused,
    EvalAIRejected,
    EvalAIUnavailable,
)
from glue.leaderboard.evalai.models import Logs, Outcome, Status
from glue.leaderboard.evalai.transport import Transport, check_server
from tests.unit.leaderboard.evalai.stage import (
    HOST_TOKEN,
    LABELS,
    OTHER_PHASE,
    STRANGER_TOKEN,
    TEAM,
    TEAM_TOKEN,
    CountingBudget,
    Stage,
    result,
)

if TYPE_CHECKING:
    from glue.leaderboard.evalai.models import SubmissionKey

RUNNING, FINISHED, FAILED = Status.RUNNING, Status.FINISHED, Status.FAILED


def run(client: EvalAI, key: SubmissionKey) -> Outcome:
    return client.set_running(key, "Submission-1")


def show(client: EvalAI, key: SubmissionKey) -> Outcome:
    return client.report_interim(key, result(10.0))


def finish(client: EvalAI, key: SubmissionKey) -> Outcome:
    return client.finish(key, result())


def fail(client: EvalAI, key: SubmissionKey) -> Outcome:
    return client.fail(key, Logs(stderr="the pod never started"))


def look(client: EvalAI, key: SubmissionKey) -> Any:
    return client.submission(key.submission)


TELLINGS = [run, show, finish, fail]


def test_a_whole_run(stage: Stage) -> None:
    key = stage.submit()
    with stage.client() as client:
        found = client.submission(key.submission)
        assert (found.status, found.participant_team) == (Status.SUBMITTED, TEAM)
        assert found.participant_team_name == "Racers"
        assert found.submitted_at is not None
        assert found.submitted_at.tzinfo is UTC
        assert not found.knows_job("submission-1")
        assert client.set_running(key, "Submission-1") == Outcome(RUNNING, sent=True)
        assert client.submission(key.submission).knows_job("Submission-1")
        assert show(client, key) == Outcome(Status.PARTIALLY_EVALUATED, sent=True)
        logs = Logs("out", "err", "environment", "{}")
        assert client.finish(key, result(), logs) == Outcome(FINISHED, sent=True)
    held = stage.held(key)
    assert held["status"] == "finished"
    assert held["scores"]["12/leaderboard"]["accuracies"] == {"Driving score": 41.2}
    assert [held[name] for name in ("stdout", "stderr", "environment_log", "metadata")] == [*logs]
    assert stage.budget.taken == [
        ("read", 1), ("read", 2), ("read", 1), ("interim", 2), ("final", 2),
    ]  # fmt: skip


def test_a_failure_tells_the_reason_to_the_participant(stage: Stage) -> None:
    key = stage.submit()
    with stage.client() as client:
        assert fail(client, key) == Outcome(FAILED, sent=True)
    assert stage.held(key)["stderr"] == "the pod never started"
    assert stage.call("GET", f"/media/submission_files/submission_{key.submission}/stderr.txt",
                      TEAM_TOKEN).text == "the pod never started"  # fmt: skip


@pytest.mark.parametrize("telling", TELLINGS)
def test_a_cancelled_submission_stays_cancelled(stage: Stage, telling: Any) -> None:
    key = stage.submit()
    assert stage.cancel(key).status_code == 200
    with stage.client() as client:
        assert telling(client, key) == Outcome(Status.CANCELLED, sent=False)
        assert client.set_running(key, "again", reopen=True).sent is False
    assert stage.held(key)["status"] == "cancelled"
    assert not stage.told("PUT")


@pytest.mark.parametrize("telling", TELLINGS)
def test_what_is_told_is_not_told_again(stage: Stage, telling: Any) -> None:
    key = stage.submit()
    with stage.client() as client:
        finish(client, key)
        assert telling(client, key) == Outcome(FINISHED, sent=False)
    assert len(stage.told("PUT")) == 1
    assert not stage.told("PATCH")


def test_a_job_is_named_once_and_an_operator_may_run_it_again(stage: Stage) -> None:
    key = stage.submit()
    with stage.client() as client:
        assert run(client, key).sent
        assert run(client, key) == Outcome(RUNNING, sent=False)
        assert client.set_running(key, "submission-1-2").sent
        fail(client, key)
        assert client.set_running(key, "submission-1-3") == Outcome(FAILED, sent=False)
        assert client.set_running(key, "submission-1-3", reopen=True).sent
    assert stage.held(key)["job_name"] == ["submission-1", "submission-1-2", "submission-1-3"]
    assert stage.held(key)["status"] == "running"


@pytest.mark.parametrize("telling", [run, finish, fail, look])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "down"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 408},
    ],
)
def test_what_passes_is_tried_again(stage: Stage, telling: Any, fault: dict[str, Any]) -> None:
    key = stage.submit()
    stage.fault(times=2, **fault)
    with stage.client() as client:
        telling(client, key)
    assert stage.held(key)["status"] == {
        run: "running", finish: "finished", fail: "failed", look: "submitted",
    }[telling]  # fmt: skip


@pytest.mark.parametrize("telling", [run, finish, fail, look])
def test_after_some_tries_it_gives_up(stage: Stage, telling: Any) -> None:
    key = stage.submit()
    stage.fault("down", times=None)
    with stage.client() as client, pytest.raises(EvalAIUnavailable, match="does not answer GET"):
        telling(client, key)
    assert len(stage.told()) == 4
    assert stage.held(key)["status"] == "submitted"


@pytest.mark.parametrize(
    ("telling", "status"), [(run, RUNNING), (finish, FINISHED), (fail, FAILED)]
)
def test_an_answer_lost_after_the_change_repeats_nothing(
    stage: Stage, telling: Any, status: Status
) -> None:
    key = stage.submit()
    stage.fault("lost", path="update_submission")
    with stage.client() as client:
        assert telling(client, key) == Outcome(status, sent=True)
    assert len([t for t in stage.told() if t["method"] != "GET"]) == 1
    assert len(stage.held(key)["job_name"]) == (telling is run)


def test_a_repeated_result_is_the_very_same(stage: Stage) -> None:
    key = stage.submit()
    stage.fault("down", path="update_submission")
    with stage.client() as client:
        client.finish(key, result(), Logs("a", "b", "c", "d"))
    first, second = stage.told("PUT")
    assert first["body"] == second["body"]
    assert (first["fault"], second["status"]) == ("down", 200)


def test_a_cancel_between_two_tries_is_seen(stage: Stage) -> None:
    key = stage.submit()

    class Cancelling(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "PUT":
                stage.cancel(key)
                raise httpx.ReadTimeout("too slow", request=request)
            return super().handle_request(request)

    with stage.client(transport=Cancelling()) as client:
        assert finish(client, key) == Outcome(Status.CANCELLED, sent=False)
    assert stage.held(key)["status"] == "cancelled"


def test_interim_results_are_tried_once(stage: Stage) -> None:
    key = stage.submit()
    stage.fault("lost", method="PUT")
    with stage.client() as client, pytest.raises(EvalAIUnavailable):
        show(client, key)
    assert len(stage.told("PUT")) == 1


@pytest.mark.parametrize("telling", [show, finish])
def test_a_rejection_has_evalais_words(stage: Stage, telling: Any) -> None:
    key = stage.submit()
    wrong = result(1.0, "Driving scores")
    with stage.client() as client, pytest.raises(EvalAIRejected) as caught:
        client.finish(key, wrong) if telling is finish else client.report_interim(key, wrong)
    assert caught.value.status == 400
    assert "missing in theleaderboard data: ['Driving scores']" in caught.value.words
    assert len(stage.told("PUT")) == 1
    assert stage.held(key)["status"] == "submitted"


def test_an_unknown_submission_is_a_rejection(stage: Stage) -> None:
    with stage.client() as client, pytest.raises(EvalAIRejected, match="Submission 99 does not"):
        client.submission(99)
    assert len(stage.told()) == 1


def test_a_phase_with_partial_evaluation_takes_other_labels(stage: Stage) -> None:
    key = stage.submit(OTHER_PHASE)
    with stage.client() as client:
        assert client.report_interim(key, result(1, "Routes done")).sent


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_not_tried_again(stage: Stage, status: int) -> None:
    key = stage.submit()
    stage.fault("status", status=status, words="no", times=None)
    with stage.client() as client, pytest.raises(EvalAIRefused, match="auth_token"):
        finish(client, key)
    assert len(stage.told()) == 1


def test_a_wrong_token_is_a_refusal_and_never_shown(stage: Stage) -> None:
    key = stage.submit()
    secret = "a-token-that-nobody-may-see"
    with stage.client(secret) as client, pytest.raises(EvalAIRefused, match="invalid") as caught:
        finish(client, key)
    assert secret not in f"{caught.value!r} {client!r} {vars(client)!r}"


def test_a_stranger_is_refused_although_evalai_answers_400(stage: Stage) -> None:
    with pytest.raises(EvalAIRefused, match="not authorized"):
        Transport(stage.url, SecretStr(STRANGER_TOKEN), stage.budget).send(
            "PUT", "/api/jobs/challenge/7/update_submission/", {}
        )


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, {}, 7.0),
        ({"Retry-After": "0"}, {}, 1.0),
        ({"Retry-After": "inf"}, {"detail": "Expected available in 12 seconds."}, 12.0),
        ({}, {"detail": "Request was throttled. Expected available in 1 second."}, 1.0),
        ({"Retry-After": "Fri, 20 Nov 2026 12:00:00 GMT"}, {}, 60.0),
    ],
)
def test_too_many_calls_hold_everybody(
    headers: dict[str, str], body: dict[str, str], seconds: float
) -> None:
    budget = CountingBudget()
    answers = httpx.MockTransport(lambda _: httpx.Response(429, headers=headers, json=body))
    client = EvalAI("https://eval.ai", SecretStr("t"), budget, answers)
    with client, pytest.raises(EvalAIBusy, match="try again in") as caught:
        client.submission(1)
    assert caught.value.seconds == seconds
    assert budget.held == [seconds]
    assert len(budget.taken) == 1


def test_the_stand_ins_own_limit_is_met(tmp_path: Any) -> None:
    with Stage(tmp_path / "state", calls_a_minute=2) as stage, stage.client() as client:
        key = stage.submit()
        client.submission(key.submission)
        client.submission(key.submission)
        with pytest.raises(EvalAIBusy):
            client.submission(key.submission)
    assert 0 < stage.budget.held[0] <= 60


def answering(*answers: httpx.Response) -> EvalAI:
    queue = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        return queue.pop(0) if len(queue) > 1 else queue[0]

    transport = httpx.MockTransport(answer)
    return EvalAI("https://eval.ai", SecretStr("t"), CountingBudget(), transport)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.Response(200, html="<p>maintenance"), EvalAIUnavailable, "something but JSON"),
        (httpx.Response(200, json={"id": 1}), EvalAIUnavailable, "not understood"),
        (httpx.Response(301, headers={"Location": "https://x/"}), EvalAIRefused, "https://x/"),
        (httpx.Response(400, json={"result": ["odd"]}), EvalAIRejected, '{"result": ["odd"]}'),
        (httpx.Response(400, json=["odd", "list"]), EvalAIRejected, '["odd", "list"]'),
        (httpx.Response(404, text="x" * 5000), EvalAIRejected, "x" * 1000),
    ],
)  # fmt: skip
def test_odd_answers(answer: httpx.Response, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        answering(answer).submission(1)
    assert words in str(caught.value)


def test_an_answer_that_cannot_be_unpacked_is_no_answer() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        broken = httpx.ByteStream(b"not packed at all")
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=broken)

    client = EvalAI(
        "https://eval.ai", SecretStr("t"), CountingBudget(), httpx.MockTransport(answer)
    )
    with client, pytest.raises(EvalAIUnavailable, match="does not answer"):
        client.submission(1)


def test_an_answer_of_a_newer_evalai_is_understood() -> None:
    answer = {"id": 1, "participant_team": 2, "challenge_phase": 3, "status": "Submitted"}
    more: dict[str, Any] = {
        "job_name": None,
        "novelty": {},
        "submitted_at": "2026-01-01T02:00:00+02:00",
    }
    found = answering(httpx.Response(200, json=answer | more)).submission(1)
    assert found.job_name == []
    assert str(found.submitted_at) == "2026-01-01 00:00:00+00:00"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "[1]", '[{"split": 1}]', '[{"split": "s"}]', None, [],
     '[{"split": "s", "accuracies": {"a": NaN}}]', '[{"split": "s", "accuracies": {"a": 1e999}}]',
     '[{"split": "s", "accuracies": {"a": true}}]', '[{"split": "s", "accuracies": {"a": []}}]',
     '[{"split": "s", "accuracies": {}, "show_to_participant": 1}]', "[" * 100_000],
)  # fmt: skip
def test_a_result_in_another_form_never_leaves(stage: Stage, text: Any) -> None:
    key = stage.submit()
    with stage.client() as client:
        for tell in (client.finish, client.report_interim):
            with pytest.raises(InputError, match="result"):
                tell(key, text)
    assert not stage.told()


def test_long_and_broken_texts_arrive(stage: Stage) -> None:
    key = stage.submit()
    with stage.client() as client:
        client.finish(key, result(), Logs("a" * 100_010 + "the end", "half a pair: \ud800"))
    held = stage.held(key)
    assert held["stdout"].startswith("[17 characters left out]\na")
    assert held["stdout"].endswith("the end")
    assert held["stderr"] == "half a pair: ?"


@pytest.mark.parametrize(
    "server",
    ["", "eval.ai", "http://eval.ai", "ftp://eval.ai", "https://eval.ai/api", "https://",
     "https://me:word@eval.ai", "https://eval.ai?x=1", "https://[", "https://eval.ai:port", "http://127.0.0.1.evil.org"],
)  # fmt: skip
def test_the_token_goes_over_https_only(server: str) -> None:
    with pytest.raises(InputError, match="api_server") as caught:
        check_server(server)
    assert "word" not in str(caught.value)


def test_a_servers_address_may_end_in_a_slash() -> None:
    assert check_server(" https://eval.ai/ ") == "https://eval.ai"
    assert check_server("http://localhost:8000") == "http://localhost:8000"


def test_labels_of_the_stage_are_evalais(stage: Stage) -> None:
    key = stage.submit()
    with stage.client() as client:
        for label in LABELS:
            client.set_running(key, "job", reopen=True)
            assert client.finish(key, result(3, label)).sent
    assert HOST_TOKEN not in str(stage.told())
