"""An environment's leaderboards, as its last apply put them out, and clients for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glue.errors import InputError, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glue.deploy.environments import Environment
    from glue.leaderboard.connection import Connection
    from glue.leaderboard.storage import Storage
    from glue.leaderboard.table import SubmissionItem, Table


@dataclass(frozen=True)
class Leaderboard:
    """One leaderboard: its name, and what the environment's output says of it."""

    name: str
    facts: Mapping[str, Any]
    environment: Environment

    def table(self) -> Table:
        """Return its submissions."""
        from glue.leaderboard.table import Table

        return Table(self.environment.client("dynamodb"), self.facts["table"])

    def storage(self) -> Storage:
        """Return its bucket."""
        from glue.leaderboard.storage import Storage

        return Storage(self.environment.client("s3"), self.facts["bucket"])

    def submission(self, number: int) -> SubmissionItem:
        """Return a submission. Raises NotFound when there is none of this number."""
        item = self.table().find(number)
        if item is None:
            raise NotFound(
                "submission",
                f"{self.name} has no {number}",
                f"see `glue leaderboard submissions {self.name} --env {self.environment.name}`",
            )
        return item

    def messages(self) -> tuple[int, int]:
        """Return how many messages wait in the queue, and how many have failed for good."""
        client = self.environment.client("sqs")
        kinds = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        waiting, failed = (
            client.get_queue_attributes(QueueUrl=self.facts[key], AttributeNames=kinds)
            for key in ("queue_url", "dead_letter_queue_url")
        )
        first, second = (
            sum(int(answer["Attributes"][kind]) for kind in kinds) for answer in (waiting, failed)
        )
        return first, second


@dataclass(frozen=True)
class Place:
    """An environment with leaderboards."""

    environment: Environment
    leaderboards: Mapping[str, Leaderboard]
    evalai: Mapping[str, Any]

    def leaderboard(self, name: str) -> Leaderboard:
        """Return a leaderboard. Raises NotFound for a name that the environment does not have."""
        if name not in self.leaderboards:
            raise NotFound(
                "leaderboard",
                f"{self.environment.name} has no {name[:60]!a}",
                f"use one of {', '.join(self.leaderboards)}",
            )
        return self.leaderboards[name]

    def connection(self) -> Connection:
        """Return how the environment and EvalAI know each other."""
        from glue.leaderboard.connection import Connection

        client = self.environment.client("secretsmanager")
        return Connection(client, self.evalai["secret_arn"], self.evalai["tracks_secret_arn"])


def find_place(env: str) -> Place:
    """Return an environment's leaderboards.

    Raises InputError when it has none, has not been applied, or the credentials are another
    account's.
    """
    from glue.deploy.environments import Environment, read_outputs
    from glue.deploy.project import Project

    project = Project.here()
    environment = Environment.load(env, project)
    environment.require_credentials()
    outputs = read_outputs(env, project)
    account = environment.client("sts").get_caller_identity()["Account"]
    if account != environment.facts.account_id:
        raise InputError(
            "credentials",
            f"they are for account {account}, and {env} is {environment.facts.account_id}",
            "log in to the environment's account (AWS_PROFILE)",
        )
    if not outputs.get("leaderboards") or not outputs.get("evalai"):
        raise NotFound(
            "leaderboards",
            f"{env} has none",
            f"add one to `leaderboards` in environments/{env}.tfvars and apply",
        )
    leaderboards = {
        name: Leaderboard(name, facts, environment)
        for name, facts in sorted(outputs["leaderboards"].items())
    }
    return Place(environment, leaderboards, outputs["evalai"])
