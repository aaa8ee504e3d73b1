"""A stand-in with a challenge, a host, two teams, and a client that speaks for the host."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Self

import httpx
from pydantic import SecretStr

from glue.leaderboard.evalai.client import EvalAI
from glue.leaderboard.evalai.models import SubmissionKey
from glue.local.evalai.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glue.leaderboard.evalai.budget import Share

CHALLENGE, PHASE, OTHER_PHASE = 7, 12, 13
HOST_TOKEN = "host-token-of-the-stage"
TEAM, TEAM_TOKEN = 31, "team-token-of-the-stage"
STRANGER_TOKEN = "stranger-token-of-the-stage"
LABELS = ["Driving score", "Route completion"]
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/x-participant-team-31:1f2e"


def result(score: Any = 41.2, label: str = "Driving score", split: str = "leaderboard") -> str:
    return json.dumps([{"split": split, "show_to_participant": True, "accuracies": {label: score}}])


class CountingBudget:
    """A budget that is never empty, and knows what was taken and held."""

    def __init__(self) -> None:
        self.taken: list[tuple[Share, int]] = []
        self.held: list[float] = []

    def take(self, share: Share, calls: int = 1) -> None:
        self.taken.append((share, calls))

    def hold(self, seconds: float) -> None:
        self.held.append(seconds)


class Stage:
    def __init__(
        self, state: Path, calls_a_minute: int = 10_000, clock: Callable[[], float] = time.time
    ) -> None:
        self.server = Server(state, 0, calls_a_minute, clock)
        self.budget = CountingBudget()
        self.url = self.server.url
        self.http = httpx.Client(trust_env=False, timeout=60, verify=False)

    def __enter__(self) -> Self:
        self.server.__enter__()
        self.put_challenge()
        self.admin("PUT", "people", {"name": "host", "token": HOST_TOKEN})
        team = {"name": "racer", "token": TEAM_TOKEN, "team": TEAM, "team_name": "Racers"}
        self.admin("PUT", "people", team)
        self.admin("PUT", "people", {"name": "stranger", "token": STRANGER_TOKEN, "team": 77})
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.server.__exit__()

    def put_challenge(self, **more: Any) -> None:
        split = {"codename": "leaderboard", "labels": LABELS}
        phases = [
            {"pk": PHASE, "codename": "leaderboard-10-SENSORS", "splits": [split]},
            {
                "pk": OTHER_PHASE,
                "codename": "leaderboard-10-MAP",
                "splits": [split],
                "is_partial_submission_evaluation_enabled": True,
            },
        ]
        content = {"title": "Challenge", "hosts": ["host"], "phases": phases} | more
        self.admin("PUT", f"challenges/{CHALLENGE}", content)

    def admin(self, method: str, path: str, content: Any = None) -> Any:
        answer = self.http.request(method, f"{self.url}/stand-in/{path}", json=content)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def call(
        self, method: str, path: str, token: str | None = HOST_TOKEN, **options: Any
    ) -> httpx.Response:
        headers = options.pop("headers", {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.http.request(method, self.url + path, headers=headers, **options)

    def client(self, token: str = HOST_TOKEN, **options: Any) -> EvalAI:
        return EvalAI(self.url, SecretStr(token), self.budget, **options)

    def submit(self, phase: int = PHASE, **more: Any) -> SubmissionKey:
        content = {"challenge": CHALLENGE, "phase": phase, "team": TEAM, "image": IMAGE} | more
        pk = self.admin("POST", "submissions", content)["submission"]
        return SubmissionKey(CHALLENGE, phase, pk)

    def fault(self, kind: str, **more: Any) -> None:
        self.admin("POST", "faults", {"kind": kind} | more)

    def held(self, key: SubmissionKey) -> dict[str, Any]:
        document: dict[str, Any] = self.admin("GET", f"submissions/{key.submission}")
        return document

    def told(self, method: str | None = None) -> list[dict[str, Any]]:
        return [t for t in self.admin("GET", "told") if method in (None, t["method"])]

    def cancel(self, key: SubmissionKey, token: str = TEAM_TOKEN) -> httpx.Response:
        path = f"/api/jobs/challenges/{key.challenge}/submissions/{key.submission}"
        return self.call(
            "PATCH", f"{path}/update_submission_meta/", token, json={"status": "cancelled"}
        )

    def update(self, key: SubmissionKey, **content: Any) -> httpx.Response:
        body = {"submission": key.submission, "challenge_phase": key.phase} | content
        return self.call(
            "PUT", f"/api/jobs/challenge/{key.challenge}/update_submission/", json=body
        )

    def interim(self, key: SubmissionKey, **content: Any) -> httpx.Response:
        body = {"submission": key.submission, "challenge_phase": key.phase} | content
        path = f"/api/jobs/challenges/{key.challenge}/update_partially_evaluated_submission/"
        return self.call("PUT", path, json=body)
