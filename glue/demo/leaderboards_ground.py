"""What the demonstration of leaderboards plays with: participants, their cluster, the results.

It submits as participants do, at the stand-in for EvalAI, which sends its messages with the key
of EvalAI's own IAM user, that may do nothing else. Everything is then read where it ends: in the
table, in S3, and at EvalAI.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from glue.deploy.environments import LOCAL, Environment, read_outputs
from glue.errors import InputError
from glue.leaderboard.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.deploy.project import Project
    from glue.leaderboard.table import SubmissionItem

Json = dict[str, Any]

CANCEL = "/api/jobs/challenges/{}/submissions/{}/update_submission_meta/"
FINAL = "/update_submission/"
SECONDS = 30.0  # for one answer of a stand-in
REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"  # participants push to EvalAI's account


@dataclass(frozen=True)
class Team:
    """A team that takes part; `token` is its own at EvalAI."""

    number: int
    name: str
    token: str


def open_ground(project: Project) -> Ground:
    """Return the ground of a project's running local cloud.

    Raises InputError when it does not run, was not applied, or has no stand-ins.
    """
    environment = Environment.load(LOCAL, project)
    facts = json.loads((project.local_home / "cloud.json").read_text(encoding="utf-8"))
    return Ground(environment.client, facts, read_outputs(LOCAL, project))


class Ground:
    """The two stand-ins and the services of one local cloud.

    `client` gives a service's boto3 client, `facts` are what cloud.json says, `outputs`
    Terraform's.
    """

    def __init__(self, client: Callable[[str], Any], facts: Json, outputs: Json) -> None:
        self._client = client
        self.outputs = outputs
        try:
            self.evalai: Json = facts["evalai"]
            self.kubernetes: str = facts["kubernetes"]["endpoint"]
        except KeyError as missing:
            raise InputError(
                "local cloud", f"it has no stand-in for {missing}", "run `glue local down` and `up`"
            ) from missing
        self.teams = tuple(
            Team(team["team"], team["team_name"], team["token"]) for team in self.evalai["teams"]
        )
        self._http = httpx.Client(timeout=SECONDS, trust_env=False)

    # --- the cluster ----------------------------------------------------------------------

    def lack_gpus(self, most: int | None) -> None:
        """Let there be at most so many nodes with GPUs, or as many as the groups have (None)."""
        faults = self._ask("GET", f"{self.kubernetes}/stand-in/faults")
        self._ask("PUT", f"{self.kubernetes}/stand-in/faults", faults | {"gpu_nodes": most})

    # --- participants ---------------------------------------------------------------------

    def submit(self, team: Team, track: str, image: str) -> int:
        """Submit an image for a track as a participant does; return the submission's number."""
        wanted = {
            "challenge": self.evalai["challenge"],
            "phase": self.evalai["phases"][track],
            "team": team.number,
            "image": f"{REGISTRY}/challenge-participant-team-{team.number}-{image}:1f2e",
        }
        answer = self._ask("POST", f"{self.evalai['url']}/stand-in/submissions", wanted)
        if answer["problem"]:
            raise InputError("queue", answer["problem"], "see that EvalAI's user may send to it")
        return int(answer["submission"])

    def cancel(self, team: Team, submission: int) -> None:
        """Cancel a submission as its participant."""
        path = CANCEL.format(self.evalai["challenge"], submission)
        self._ask(
            "PATCH", self.evalai["url"] + path, {"status": "cancelled"},
            {"Authorization": f"Bearer {team.token}"},
        )  # fmt: skip

    # --- what became of them --------------------------------------------------------------

    def table(self, leaderboard: str) -> Table:
        """Return a leaderboard's table."""
        client = self._client("dynamodb")
        return Table(client, self.outputs["leaderboards"][leaderboard]["table"])

    def item(self, leaderboard: str, submission: int) -> SubmissionItem | None:
        """Return a submission's item, None before there is one."""
        return self.table(leaderboard).find(submission)

    def keys(self, leaderboard: str, submission: int) -> dict[str, int]:
        """Return all objects of a submission by key, with their size in bytes."""
        bucket = self.outputs["leaderboards"][leaderboard]["bucket"]
        pages = self._client("s3").get_paginator("list_objects_v2")
        return {
            one["Key"]: one["Size"]
            for page in pages.paginate(Bucket=bucket, Prefix=f"{submission}/")
            for one in page.get("Contents", ())
        }

    def json_object(self, leaderboard: str, key: str) -> Any:
        """Return an object that holds JSON."""
        bucket = self.outputs["leaderboards"][leaderboard]["bucket"]
        found = self._client("s3").get_object(Bucket=bucket, Key=key)
        return json.loads(found["Body"].read())

    def held(self, submission: int) -> Json:
        """Return a submission as EvalAI holds it."""
        found: Json = self._ask("GET", f"{self.evalai['url']}/stand-in/submissions/{submission}")
        return found

    def final_words(self, submission: int) -> list[Json]:
        """Return what EvalAI was told as a submission's final result, refused calls left out."""
        told = self._ask("GET", f"{self.evalai['url']}/stand-in/told")
        return [
            one["body"]
            for one in told
            if one["method"] == "PUT"
            and one["path"].endswith(FINAL)
            and one["status"] == httpx.codes.OK
            and (one["body"] or {}).get("submission") == submission
        ]

    def board(self, track: str) -> list[Json]:
        """Return the board of a track, the best first."""
        phase = self.evalai["phases"][track]
        found: list[Json] = self._ask("GET", f"{self.evalai['url']}/stand-in/board/{phase}")
        return found

    def _ask(
        self, method: str, url: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Any:
        answer = self._http.request(method, url, json=body, headers=headers)
        if not answer.is_success:
            raise InputError(
                "stand-in", f"{method} {url}: {answer.status_code} {answer.text[:300]}",
                "look at `glue local status`",
            )  # fmt: skip
        return answer.json()
