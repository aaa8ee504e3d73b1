"""Playing participants, breaking what is around them, and seeing what becomes of it."""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from glue.demo.leaderboards_ground import Ground
from glue.leaderboard.evalai.models import UNDER_WAY
from glue.leaderboard.kubernetes.client import Kubernetes
from glue.leaderboard.kubernetes.connection import Cluster
from glue.leaderboard.kubernetes.token import Tokens
from glue.leaderboard.names import execution_arn, execution_name, job_name
from glue.leaderboard.states import State
from glue.local import challenge
from tests.local import soundness
from tests.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from glue.leaderboard.table import SubmissionItem

TRACK = "leaderboard-10-SENSORS"
FINAL = "/update_submission/"
UNLIMITED = 1_000_000  # calls a minute
EVALUATOR = ["{python}", "-m", "glue.local.carla.evaluator", "--route-seconds", "0.02"]
SPOILED = Path(__file__).with_name("spoiled_results.py")
# Seconds. Beyond what anything here takes on the busiest machine: then something hangs.
PATIENCE = 300.0
Settings = dict[str, Any]


@dataclass(frozen=True)
class Submission:
    """A submission that a test made: its number, track, and the message about it."""

    number: int
    track: str
    message: str

    @property
    def leaderboard(self) -> str:
        return self.track.rpartition("-")[0]


class Leaderboards:
    """The leaderboards of a local cloud, and everything around them that can be broken."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.facts = json.loads((platform.build / "local" / "cloud.json").read_text())
        self.ground = Ground(platform.client, self.facts, platform.outputs)
        self.evalai, self.cluster = (
            self.facts["evalai"]["url"],
            self.facts["kubernetes"]["endpoint"],
        )
        self.http = httpx.Client(timeout=60, trust_env=False)

    def outputs(self, leaderboard: str) -> dict[str, Any]:
        found: dict[str, Any] = self.platform.outputs["leaderboards"][leaderboard]
        return found

    # --- participants ---------------------------------------------------------------------

    def prepare(self, track: str = TRACK, image: str = "agent") -> Submission:
        """A submission at EvalAI of which nobody has been told yet."""
        with self.without_queue():
            return self.submit(track, image)

    def submit(self, track: str = TRACK, image: str = "agent") -> Submission:
        """A submission as a participant makes it; the message goes the way it goes."""
        evalai = self.facts["evalai"]
        team = evalai["teams"][0]["team"]
        repository = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/x-participant-team-{team}"
        answer = self.ask("POST", f"{self.evalai}/stand-in/submissions", {
            "challenge": evalai["challenge"], "phase": evalai["phases"][track], "team": team,
            "image": f"{repository}-{image}:1f2e",
        })  # fmt: skip
        assert answer["problem"] is None, answer
        return Submission(answer["submission"], track, json.dumps(answer["message"]))

    def deliver(self, submission: Submission) -> None:
        """Put the message on the queue, once more if it was there before."""
        queue = self.outputs(min(self.platform.outputs["leaderboards"]))["queue_url"]
        self.platform.client("sqs").send_message(QueueUrl=queue, MessageBody=submission.message)

    def cancel(self, submission: Submission) -> None:
        self.ground.cancel(self.ground.teams[0], submission.number)

    def cancel_running(self, submission: Submission) -> None:
        """Cancel as soon as EvalAI shows that it runs, and again if it still does.

        EvalAI checks no transitions: what it is told at that very moment overwrites a cancel, and
        a participant sees that.
        """

        def is_over() -> bool:
            if self.ground.held(submission.number)["status"] in UNDER_WAY:
                self.cancel(submission)
            item = self.item(submission)
            return item is not None and item.state.is_closed

        self.until(is_over, "it is cancelled while it runs")

    @contextmanager
    def without_queue(self) -> Iterator[None]:
        """Let EvalAI make submissions without sending their messages."""
        path = f"{self.evalai}/stand-in/challenges/{self.facts['evalai']['challenge']}"
        kept = json.loads((self.platform.build / "local/evalai/sending-key.json").read_text())
        self.ask("PUT", path, challenge.challenge(challenge.definition()))
        try:
            yield
        finally:
            self.ask("PUT", f"{path}/queue", kept)

    # --- faults ---------------------------------------------------------------------------

    def break_evalai(self, kind: str, **more: Any) -> None:
        self.ask("POST", f"{self.evalai}/stand-in/faults", {"kind": kind} | more)

    def break_cluster(self, **faults: Any) -> None:
        held = self.ask("GET", f"{self.cluster}/stand-in/faults")
        self.ask("PUT", f"{self.cluster}/stand-in/faults", held | faults)

    def mend(self) -> None:
        self.ask("DELETE", f"{self.evalai}/stand-in/faults")
        self.ask("PUT", f"{self.cluster}/stand-in/faults", {})
        self.evaluator(EVALUATOR)

    def leave(self) -> None:
        """Leave everything as it was."""
        self.mend()
        self.images.unlink()

    def met(self) -> bool:
        """Whether every fault that was asked for has been met."""
        at_evalai = self.ask("GET", f"{self.evalai}/stand-in/faults")
        return not at_evalai and not self.ask("GET", f"{self.cluster}/stand-in/faults")["api"]

    def evaluator(self, words: list[str]) -> None:
        """Let this program stand for the evaluator's image."""
        self.images.write_text(json.dumps({"leaderboard": {"entrypoint": words}}))

    @cached_property
    def images(self) -> Path:
        """Where the stand-in for Kubernetes reads which program stands for an image."""
        process = psutil.Process(self.facts["kubernetes"]["pid"])
        words = process.cmdline()
        folder = words[words.index("--images" if "--images" in words else "--home") + 1]
        return Path(folder) / "images.json"

    def spoil_results(self, how: str) -> None:
        self.evaluator([sys.executable, str(SPOILED), how])

    def lose_node(self, name: str) -> None:
        self.ask("DELETE", f"{self.cluster}/stand-in/nodes/{name}")

    def lose_job(self, submission: Submission) -> None:
        assert self.kubernetes.delete_job(job_name(submission.leaderboard, submission.number, 1))

    def kill(self, function: str, leaderboard: str = "leaderboard-10") -> int:
        """End the processes of a function as a host that fails does; return how many there were."""
        name = self.outputs(leaderboard)["functions"][function]
        place = str(self.platform.build / "local" / "tmp" / f"ministack-lambda-{name}-")
        found = [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(word.startswith(place) for word in process.info["cmdline"] or ())
        ]
        for process in found:
            process.kill()
        return len(found)

    @contextmanager
    def settings(
        self, function: str, leaderboard: str = "leaderboard-10", **more: Any
    ) -> Iterator[None]:
        """Change some of what a function is told about the pod, for a while."""
        client = self.platform.client("lambda")
        name = self.outputs(leaderboard)["functions"][function]
        kept = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        pod = json.loads(kept["PROVING_GROUND_POD"]) | more
        changed = kept | {"PROVING_GROUND_POD": json.dumps(pod)}
        client.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
        try:
            yield
        finally:
            client.update_function_configuration(FunctionName=name, Environment={"Variables": kept})

    @contextmanager
    def held_back(self, leaderboard: str = "leaderboard-10") -> Iterator[None]:
        """Keep a leaderboard's messages in its queue."""
        client = self.platform.client("lambda")
        name = self.outputs(leaderboard)["functions"]["start_submission"]
        (mapping,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
        finally:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    @contextmanager
    def seen_again_after(self, seconds: int, leaderboard: str = "leaderboard-10") -> Iterator[None]:
        """Let a message that was received and not deleted come again that soon, not in minutes."""
        client, url = self.platform.client("sqs"), self.outputs(leaderboard)["queue_url"]
        name = "VisibilityTimeout"
        kept = client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
        client.set_queue_attributes(QueueUrl=url, Attributes={name: str(seconds)})
        try:
            yield
        finally:
            client.set_queue_attributes(QueueUrl=url, Attributes={name: kept[name]})

    @contextmanager
    def without_limit(self) -> Iterator[None]:
        """Lift EvalAI's limit of 60 calls a minute, there and in our own budget."""
        over = threading.Event()
        client, table = (
            self.platform.client("dynamodb"),
            self.platform.outputs["evalai"]["budget_table"],
        )

        def empty() -> None:
            while not over.wait(0.2):
                client.delete_item(TableName=table, Key={"name": {"S": "evalai"}})

        self.ask("PUT", f"{self.evalai}/stand-in/limit", {"calls_a_minute": UNLIMITED})
        thread = threading.Thread(target=empty, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.ask("PUT", f"{self.evalai}/stand-in/limit", {"calls_a_minute": None})

    # --- looking --------------------------------------------------------------------------

    def item(self, submission: Submission) -> SubmissionItem | None:
        return self.ground.item(submission.leaderboard, submission.number)

    def until(self, true: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        deadline = time.monotonic() + seconds
        while not (value := true()):
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.1)
        return value

    def until_in(
        self, submission: Submission, *states: State, seconds: float = PATIENCE
    ) -> SubmissionItem:
        """Wait until a submission is in one of the states, and return its item."""
        deadline = time.monotonic() + seconds
        while True:
            item = self.item(submission)
            if item is not None and item.state in states:
                return item
            assert time.monotonic() < deadline, f"not in {states} within {seconds} s: {item}"
            time.sleep(0.05)

    def until_closed(self, submission: Submission, seconds: float = PATIENCE) -> SubmissionItem:
        return self.until_in(
            submission, State.FINISHED, State.FAILED, State.CANCELLED, seconds=seconds
        )

    def reconcile(self, leaderboard: str = "leaderboard-10") -> dict[str, Any]:
        """What the reconciler answers, or the error that it ends with."""
        answer = self.platform.client("lambda").invoke(
            FunctionName=self.outputs(leaderboard)["functions"]["reconcile_submissions"],
            Payload=b"{}",
        )
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        return found

    def executions(self, submission: Submission) -> list[str]:
        """The statuses of all executions of a submission's attempts, each under its name."""
        machine = self.outputs(submission.leaderboard)["state_machine_arn"]
        client, found = self.platform.client("stepfunctions"), []
        for attempt in (1, 2, 3):
            arn = execution_arn(machine, execution_name(submission.number, attempt))
            try:
                found.append(client.describe_execution(executionArn=arn)["status"])
            except client.exceptions.ExecutionDoesNotExist:
                break
        return found

    def ends(self, submission: Submission) -> list[str]:
        """The same once none of them runs any more: each outlives what it has to do a little."""
        return list(
            self.until(
                lambda: "RUNNING" not in (found := self.executions(submission)) and found,
                "no execution runs any more",
            )
        )

    def answers(self) -> list[int]:
        """The statuses of everything that EvalAI has answered."""
        return [one["status"] for one in self.ask("GET", f"{self.evalai}/stand-in/told")]

    @cached_property
    def kubernetes(self) -> Kubernetes:
        """The cluster's API as run_submission may use it: nobody else is let in."""
        name = self.facts["kubernetes"]["cluster"]
        function = self.outputs("leaderboard-10")["functions"]["run_submission"]
        told = self.platform.client("lambda").get_function_configuration(FunctionName=function)
        assumed = self.platform.client("sts").assume_role(
            RoleArn=told["Role"], RoleSessionName="tests"
        )["Credentials"]
        session = self.platform.session(
            assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"]
        )
        cluster = Cluster(name=name, endpoint=self.cluster, certificate_authority="")
        return Kubernetes(cluster, Tokens(self.platform.client("sts", session), name))

    def ask(self, method: str, url: str, body: Any = None) -> Any:
        answer = self.http.request(method, url, json=body)
        assert answer.is_success, f"{method} {url}: {answer.status_code} {answer.text}"
        return answer.json()

    def jobs(self, leaderboard: str) -> set[str]:
        """The names of a leaderboard's Jobs."""
        return {job["metadata"]["name"] for job in self.kubernetes.jobs(leaderboard=leaderboard)}

    def assert_sound(self, submission: Submission, state: State | None = None) -> SubmissionItem:
        """What must hold whatever was broken; `state` is how the submission has to end."""
        return soundness.check(self, submission, state)
