"""The story of submissions: told to its end on a sound platform, loud about every surprise."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from rich.console import Console

from glue.demo import leaderboards
from glue.demo.leaderboards import LeaderboardsStory
from glue.demo.leaderboards_ground import Ground, Team
from glue.demo.story import DemonstrationError
from glue.errors import InputError
from glue.leaderboard.states import State
from glue.leaderboard.table import SubmissionItem

SCORE = 74.5
RESULT = [{"split": "leaderboard", "accuracies": {"Driving score": SCORE, "Route completion": 80}}]
PATHS = {
    "finished": [State.PREPARING, State.WAITING, State.RUNNING, State.FINISHING, State.FINISHED],
    "crashes": [State.RUNNING, State.FAILED],
    "hangs": [State.PREPARING, State.WAITING, State.RUNNING],  # until somebody cancels it
    "cancelled": [State.RUNNING, State.CANCELLED],
}


class World:
    """A platform that answers as a sound one would, unless a test changes something."""

    teams = tuple(Team(number, f"Team {number}", f"token-{number}") for number in (1, 2, 3))

    def __init__(self) -> None:
        self.submissions: dict[int, dict[str, Any]] = {}
        self.cancelled: set[int] = set()
        self.gpu_nodes: list[int | None] = []
        self.looks_until_told = 0  # at the table, before EvalAI shows anything but `submitted`
        self.overwritten = 0  # cancels that EvalAI forgets
        self.change: Callable[[dict[str, Any]], None] = lambda _: None

    def lack_gpus(self, most: int | None) -> None:
        self.gpu_nodes.append(most)

    def submit(self, team: Team, track: str, image: str) -> int:
        number = len(self.submissions) + 1
        self.submissions[number] = {
            "team": team, "track": track, "image": image, "looks": 0,
        }  # fmt: skip
        return number

    def cancel(self, team: Team, submission: int) -> None:
        assert self.submissions[submission]["team"] == team
        assert self.state(submission) == "running"
        if self.overwritten:
            self.overwritten -= 1
        else:
            self.cancelled.add(submission)

    def item(self, leaderboard: str, submission: int) -> SubmissionItem | None:
        found = self.submissions[submission]
        found["looks"] += 1
        if found["looks"] == 1:
            return None
        path = PATHS[found["image"].removeprefix("agent-that-").replace("agent", "finished")]
        if submission in self.cancelled:
            path = PATHS["cancelled"]
        state = path[min(found["looks"] - 2, len(path) - 1)]
        if not self.gpu_nodes or self.gpu_nodes[-1] == 0:
            state = State.WAITING
        done = {State.RUNNING: 3, State.FINISHED: 36}.get(state)
        fields = {
            "team": found["team"].number, "submission": submission, "challenge": 1, "phase": 1,
            "state": state, "routes_done": done, "routes_expected": 36,
            "reason_code": "no_gpu_node" if state is State.WAITING else "",
            "reason": {State.WAITING: "0/1 nodes", State.FAILED: "It crashed."}.get(state, ""),
            "metrics": {"driving_score": SCORE} if state is State.FINISHED else {},
        }  # fmt: skip
        if state.is_closed:
            self.change(fields)
        return SubmissionItem.model_validate(fields)

    def held(self, submission: int) -> dict[str, Any]:
        state = self.state(submission)
        scores = {"1/leaderboard": RESULT[0]} if state == "finished" else {}
        return {"status": state, "scores": scores}

    def state(self, submission: int) -> str:
        if submission in self.cancelled:
            return "cancelled"
        if self.submissions[submission]["image"] == "agent-that-hangs":
            is_told = self.submissions[submission]["looks"] >= self.looks_until_told
            return "running" if is_told else "submitted"
        is_bad = self.submissions[submission]["image"] == "agent-that-crashes"
        return "failed" if is_bad else "finished"

    def final_words(self, submission: int) -> list[dict[str, Any]]:
        state = self.state(submission)
        if state == "cancelled":
            return []
        return [{"result": json.dumps(RESULT), "stderr": "It crashed."}]

    def keys(self, leaderboard: str, submission: int) -> dict[str, int]:
        sent = {f"{submission}/attempt-1/worker-1/results/simulation_results.json": 10}
        if self.state(submission) != "finished":
            return sent
        names = ("results.json", "evalai/results.json", "evalai/stdout.txt", "evalai/metadata.json")
        return sent | {f"{submission}/{name}": 10 for name in names}

    def json_object(self, leaderboard: str, key: str) -> Any:
        if key.endswith("evalai/results.json"):
            return RESULT
        return {"_checkpoint": {"records": [{}] * 36}}

    def board(self, track: str) -> list[dict[str, Any]]:
        return [
            {
                "team": found["team"].number,
                "team_name": "Team",
                "submission": number,
                "accuracies": RESULT[0]["accuracies"],
            }
            for number, found in self.submissions.items()
            if found["track"] == track and self.state(number) == "finished"
        ]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(leaderboards, "POLL_SECONDS", 0.0)
    return World()


def tell(world: Any, patience: float = 20.0) -> str:
    out = io.StringIO()
    console = Console(file=out, width=160, force_terminal=False)
    LeaderboardsStory(console, world, patience).tell()
    return out.getvalue()


def test_told_to_the_end(world: World) -> None:
    told = tell(world)
    assert world.gpu_nodes == [0, None]
    for words in (
        "submission 1    waiting: 0/1 nodes", "Team 3 cancels it", "running, 3 of 36 routes",
        "finished, 36 of 36 routes", "failed: It crashed.", "Board of leaderboard-20-SENSORS",
        "74.500",
    ):  # fmt: skip
        assert words in told, told
    assert told.index("the GPUs come") > told.index("waiting: 0/1 nodes")
    assert "\x1b" not in told, "a log has no colours"


def test_a_cancel_that_evalai_forgets_is_said_again(world: World) -> None:
    world.looks_until_told, world.overwritten = 5, 2
    told = tell(world)
    assert told.count("Team 3 cancels it\n") == 1
    assert told.count("Team 3 cancels it again: EvalAI was told of progress") == 2


@pytest.mark.parametrize(
    ("fields", "surprise"),
    [
        ({"state": State.FAILED, "reason": "why"}, r"is failed \(why\), not finished"),
        ({"finding": "it is stuck"}, "the reconciler says: it is stuck"),
        ({"metrics": {"driving_score": 1.0}}, "EvalAI holds"),
        ({"routes_done": 35}, "has 36 records, 35 in the table"),
    ],
)
def test_a_surprise_in_the_table(world: World, fields: dict[str, Any], surprise: str) -> None:
    world.change = lambda found: found.update(fields)
    with pytest.raises(DemonstrationError, match=surprise):
        tell(world)


def _replaced(name: str, answer: Any) -> Callable[[World], None]:
    def replace(world: World) -> None:
        real = getattr(world, name)
        setattr(world, name, lambda *arguments: answer(real(*arguments), *arguments))

    return replace


@pytest.mark.parametrize(
    ("wrong", "surprise"),
    [
        (_replaced("held", lambda found, _: found | {"status": "running"}), "EvalAI holds running"),
        (_replaced("final_words", lambda found, _: found * 2), "told the end 2 times"),
        (
            _replaced("final_words", lambda found, _: [one | {"stderr": ""} for one in found]),
            "given no reason",
        ),
        (
            _replaced("final_words", lambda found, _: [one | {"result": "[]"} for one in found]),
            r"EvalAI was told \[\]",
        ),
        (_replaced("keys", lambda found, *_: {}), "lacks some of"),
        (
            _replaced("keys", lambda found, *_: {k: 1 for k in found if "attempt" not in k}),
            "no file that its pod has sent",
        ),
        (
            _replaced("keys", lambda found, _, number: found | {f"{number}/results.json": 1}),
            "has results in S3 without having finished",
        ),
        (_replaced("board", lambda found, _: []), "is not on the board"),
    ],
)
def test_a_surprise_elsewhere(world: World, wrong: Callable[[World], None], surprise: str) -> None:
    wrong(world)
    with pytest.raises(DemonstrationError, match=surprise):
        tell(world)


def test_a_failure_without_a_reason(world: World) -> None:
    def forget(fields: dict[str, Any]) -> None:
        fields["reason"] = ""

    world.change = forget
    with pytest.raises(DemonstrationError, match="failed without a reason"):
        tell(world)


def test_patience_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "item", lambda *_: None)
    with pytest.raises(DemonstrationError, match=r"they stand at .1: 'unknown'"):
        tell(world, patience=0.0)
    assert world.gpu_nodes == [0, None], "the GPUs are there again"


def test_a_late_one_that_never_waited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaderboards, "_waits_for_gpu", lambda _: True)
    monkeypatch.setattr(world, "lack_gpus", lambda _: world.gpu_nodes.append(None))
    monkeypatch.setitem(PATHS, "finished", [State.RUNNING, State.FINISHED])
    with pytest.raises(DemonstrationError, match="never waited for a GPU"):
        tell(world)


# --- the ground ----------------------------------------------------------------------------

FACTS = {
    "kubernetes": {"endpoint": "http://kubernetes"},
    "evalai": {
        "url": "http://evalai", "challenge": 1, "phases": {"leaderboard-10-MAP": 2},
        "teams": [{"team": 1, "team_name": "Team 1", "token": "token-1"}],
    },
}  # fmt: skip


def ground(answer: Callable[[httpx.Request], httpx.Response]) -> Ground:
    made = Ground(lambda _: None, FACTS, {})
    made._http = httpx.Client(transport=httpx.MockTransport(answer))
    return made


def test_submitted_and_cancelled_as_a_participant_does() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"submission": 7, "problem": None})

    made = ground(answer)
    (team,) = made.teams
    assert made.submit(team, "leaderboard-10-MAP", "agent") == 7
    made.cancel(team, 7)
    submitted, cancelled = asked
    assert json.loads(submitted.content)["image"].endswith("participant-team-1-agent:1f2e")
    assert cancelled.headers["authorization"] == "Bearer token-1"
    assert cancelled.url.path.endswith("/submissions/7/update_submission_meta/")


def test_a_message_that_could_not_be_sent() -> None:
    made = ground(lambda _: httpx.Response(200, json={"submission": 7, "problem": "no rights"}))
    with pytest.raises(InputError, match="no rights"):
        made.submit(made.teams[0], "leaderboard-10-MAP", "agent")


def test_a_stand_in_that_refuses() -> None:
    made = ground(lambda _: httpx.Response(500, text="broken"))
    with pytest.raises(InputError, match="500 broken"):
        made.board("leaderboard-10-MAP")


def test_other_faults_stay_when_gpus_are_lacking() -> None:
    put: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            put.append(json.loads(request.content))
        return httpx.Response(200, json={"gpu_nodes": None, "pulls": ["x"]})

    ground(answer).lack_gpus(0)
    assert put == [{"gpu_nodes": 0, "pulls": ["x"]}]


def test_final_words_are_what_evalai_took_about_one_submission() -> None:
    def one(**more: Any) -> dict[str, Any]:
        final = "/api/jobs/challenge/1/update_submission/"
        return {"method": "PUT", "path": final, "status": 200, "body": {"submission": 7}} | more

    told = [
        one(), one(status=400), one(body={"submission": 8}), one(method="PATCH"), one(body=None),
        one(path="/api/jobs/challenges/1/update_partially_evaluated_submission/"),
    ]  # fmt: skip
    made = ground(lambda _: httpx.Response(200, json=told))
    assert made.final_words(7) == [{"submission": 7}]


def test_a_cloud_without_stand_ins() -> None:
    with pytest.raises(InputError, match="no stand-in for 'kubernetes'"):
        Ground(lambda _: None, {"evalai": {}}, {})
