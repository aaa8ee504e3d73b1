"""A leaderboard in this process, and a state machine that takes submissions through its steps."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, cast

import httpx
from pydantic import SecretStr

from glue.leaderboard.evalai.client import EvalAI
from glue.leaderboard.evalai.errors import EvalAIBusy, EvalAIUnavailable
from glue.leaderboard.kubernetes.errors import KubernetesUnavailable
from glue.leaderboard.names import worker_results
from glue.leaderboard.parameters import Parameters
from glue.leaderboard.results.evalai import CARLA_LABELS
from glue.leaderboard.run import Run, StepError
from glue.leaderboard.services import Services
from glue.leaderboard.steps import STEPS
from glue.leaderboard.storage import Storage
from glue.leaderboard.table import SubmissionItem, Table
from glue.local.evalai.application import Application
from glue.local.evalai.store import Store
from glue.settings import Evaluation, Pod
from tests.unit.leaderboard.evalai.stage import (
    HOST_TOKEN,
    IMAGE,
    OTHER_PHASE,
    PHASE,
    CountingBudget,
    Stage,
)
from tests.unit.leaderboard.results.files import LB20, MIXED
from tests.unit.leaderboard.steps.fakes import (
    Cluster,
    Killed,
    Life,
    Mortal,
    MortalTransport,
    States,
)
from tests.unit.leaderboard.store.ground import BUCKET, LEADERBOARD, NOW, PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from glue.leaderboard.evalai.models import SubmissionKey
    from tests.unit.leaderboard.store.ground import Ground

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:leaderboard-10"
MOST_STEPS = 200
RETRIED = (EvalAIBusy, EvalAIUnavailable, KubernetesUnavailable)
HOURS, FEW = 4, 2  # tries: of what may come back, and of anything else
WHOLE, PARTLY = LB20, MIXED  # results files: 25 routes, and 12 of them

Happening = "Callable[[World], Any]"


class InProcess(Stage):
    """EvalAI's stand-in without a socket."""

    def __init__(self, state: Path, clock: Callable[[], float]) -> None:
        self.application = Application(Store(state), 10_000, clock)
        self.server = cast("Any", contextlib.nullcontext())
        self.budget = CountingBudget()
        self.url = "http://127.0.0.1"
        self.transport = httpx.WSGITransport(self.application)
        self.http = httpx.Client(transport=self.transport)

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.application._store.close()


class World:
    """The services of a leaderboard of CARLA 2.0 with one worker, and all that is behind them."""

    def __init__(self, ground: Ground, evalai: Stage, **changes: Any) -> None:
        self.ground, self.evalai = ground, evalai
        self.clock = ground.clock
        self.clock.now = NOW
        evalai.put_challenge(
            phases=[
                {
                    "pk": phase,
                    "codename": f"leaderboard-10-{phase}",
                    "splits": [{"codename": "leaderboard", "labels": list(CARLA_LABELS)}],
                }
                for phase in (PHASE, OTHER_PHASE)
            ]
        )
        self.life = Life()
        self.cluster = Cluster(self.clock)
        self.states = States()
        self.transport = MortalTransport(cast("InProcess", evalai).transport, self.life)
        self.client = EvalAI(
            evalai.url, SecretStr(HOST_TOKEN), evalai.budget, self.transport, patience=1.0
        )
        settings: dict[str, Any] = {
            "evaluation": Evaluation(version="2.0", routes=25),
            "pod": Pod(
                waiting_seconds=3 * 3600,
                run_seconds=24 * 3600,
                grace_seconds=300,
                watch_seconds=30,
                interim_seconds=300,
            ),
        }
        self.services = Services(
            leaderboard=LEADERBOARD,
            parameters=Parameters.model_validate(PARAMETERS),
            table=Table(self._mortal(ground.dynamodb, "dynamodb"), LEADERBOARD, self.clock),
            storage=Storage(self._mortal(ground.s3, "s3"), BUCKET),
            evalai=self.client,
            kubernetes=self._mortal(self.cluster, "kubernetes"),
            states=self._mortal(self.states, "states"),
            state_machine_arn=MACHINE,
            clock=self.clock,
            **settings | changes,
        )

    def _mortal(self, client: Any, name: str) -> Any:
        return Mortal(client, self.life, name)

    # Submissions.

    def submit(self, **changes: Any) -> Run:
        key = self.evalai.submit()
        return self.run_of(key, **changes)

    def run_of(self, key: SubmissionKey, **changes: Any) -> Run:
        values = {"challenge": key.challenge, "phase": key.phase, "submission": key.submission}
        return Run.model_validate(values | {"image": IMAGE} | changes)

    def item(self, run: Run) -> SubmissionItem | None:
        return Table(self.ground.dynamodb, LEADERBOARD).find(run.submission)

    def stored(self, run: Run) -> SubmissionItem:
        found = self.item(run)
        assert found is not None
        return found

    def held(self, run: Run) -> dict[str, Any]:
        return self.evalai.held(run.key)

    def told(self, run: Run) -> list[tuple[str, str]]:
        """Return what EvalAI was told of a submission, as far as it was carried out."""
        return [
            (entry["method"], entry["body"]["submission_status"])
            for entry in self.evalai.told()
            if entry["method"] in ("PUT", "PATCH")
            and entry["status"] == 200
            and entry["caller"] == "host"
            and (entry["body"] or {}).get("submission") == run.submission
        ]

    def results(self, run: Run) -> dict[str, Any] | None:
        try:
            found = self.ground.s3.get_object(Bucket=BUCKET, Key=f"{run.submission}/results.json")
        except self.ground.s3.exceptions.NoSuchKey:
            return None
        content: dict[str, Any] = json.loads(found["Body"].read())
        return content

    def write(self, run: Run, content: bytes | str, worker: int = 1) -> None:
        """Do what the uploader does with a worker's results file."""
        key = worker_results(run.submission, run.attempt, worker)
        body = content.encode() if isinstance(content, str) else content
        self.ground.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    # The state machine.

    def step(self, run: Run) -> Run:
        """Take a step as its function does: what goes in and comes out is JSON."""
        content = Run.model_validate_json(run.model_dump_json())
        execution = f"{MACHINE.replace('stateMachine', 'execution')}:{run.submission}"
        following = STEPS[run.next](
            self.services, content.model_copy(update={"execution": execution})
        )
        return Run.model_validate_json(following.model_dump_json())

    def tried(self, run: Run) -> Run:
        """Take a step as the state machine's tasks do, with Retry and Catch."""
        tries = 0
        while True:
            self.life.begin_step()
            try:
                following = self.step(run)
            except Killed:
                continue  # Lambda's own error is retried, too
            except Exception as error:
                tries += 1
                if tries < (HOURS if isinstance(error, RETRIED) else FEW):
                    self.clock.now += 600
                    continue
                if run.next == "fail":
                    raise
                cause = json.dumps({"errorMessage": str(error), "stackTrace": ["secret.py"]})
                caught = StepError(Error=type(error).__name__, Cause=cause)
                return run.model_copy(update={"error": caught, "next": "fail"})
            else:
                self.life.end_step()
                return following

    def drive(self, run: Run, happenings: Iterable[Callable[[World], Any]] = ()) -> Run:
        """Take a submission to its end. After each launch or watch the next thing happens."""
        coming = iter(happenings)
        for _ in range(MOST_STEPS):
            if run.next == "end":
                return run
            before, run = run.next, self.tried(run)
            if before in ("launch", "watch"):
                self.clock.now += run.wait_seconds
                next(coming, lambda _: None)(self)
        raise AssertionError(f"it does not end: {run}")


def waits(reason: str = "Unschedulable", said: str = "0/1 nodes are available") -> Any:
    """Let the pod find no node."""

    def happen(world: World) -> None:
        condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": said}
        world.cluster.pod(node=None, conditions=[condition])

    return happen


def runs(run: Run, content: bytes | str | None = None) -> Any:
    """Let the pod run, and its results file be this."""

    def happen(world: World) -> None:
        world.cluster.run()
        if content is not None:
            world.write(run, content)

    return happen


def ends(run: Run, content: bytes | str | None = WHOLE) -> Any:
    """Let the Job end well, and its results file be this."""

    def happen(world: World) -> None:
        if content is not None:
            world.write(run, content)
        world.cluster.end()

    return happen


def passes(seconds: float) -> Any:
    """Let time pass."""

    def happen(world: World) -> None:
        world.clock.now += seconds

    return happen
