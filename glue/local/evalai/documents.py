"""What the stand-in is set up with: challenges, people, submissions and faults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Pk = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Document(BaseModel):
    """A request's body, or a part of it; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Split(Document):
    """A dataset split of a phase, with the labels that its leaderboard knows."""

    codename: Name = "leaderboard"
    labels: tuple[Name, ...]


class Phase(Document):
    """A phase of a challenge."""

    pk: Pk
    codename: Name
    splits: tuple[Split, ...]
    is_partial_submission_evaluation_enabled: bool = False


class Queue(Document):
    """The queue that submissions go to, with the host's key for it.

    `endpoint` is the address of another SQS than AWS's, such as the local cloud's.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,75}(\.fifo)?$")]
    region: Name
    access_key_id: Name
    secret_access_key: Name
    endpoint: str | None = None


class Challenge(Document):
    """A challenge; `hosts` are names of people."""

    title: Name
    hosts: tuple[Name, ...]
    phases: tuple[Phase, ...]
    is_docker_based: bool = True
    remote_evaluation: bool = True
    allow_resuming_submissions: bool = True
    queue: Queue | None = None


class Person(Document):
    """Somebody with a token; a participant has a team."""

    name: Name
    token: Annotated[str, Field(min_length=8, max_length=2000)]
    team: Pk | None = None
    team_name: str = ""


class NewSubmission(Document):
    """A submission that a team makes."""

    challenge: Pk
    phase: Pk
    team: Pk
    image: Name | None = None


class Limit(Document):
    """How many calls a minute each person may make; None for as many as EvalAI takes."""

    calls_a_minute: Annotated[int, Field(ge=1)] | None = None


class Fault(Document):
    """What goes wrong with calls to come.

    `down`: the connection ends without an answer and nothing happens. `lost`: the same, after the
    call was carried out. `slow`: the answer comes after `seconds`. `status`: the answer is this
    status and nothing happens. `times` counts the calls that meet it (None: all, until it is
    taken back); `method` and `path` (a part of the path) narrow it.
    """

    kind: Literal["down", "lost", "slow", "status"]
    status: Annotated[int, Field(ge=400, le=599)] = 500
    words: str = "It was asked to answer so."
    seconds: Annotated[float, Field(ge=0, le=120)] = 0.0
    times: Annotated[int, Field(ge=1)] | None = 1
    method: Literal["GET", "PUT", "PATCH", "POST"] | None = None
    path: str = ""
