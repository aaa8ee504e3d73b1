"""What travels through the state machine: one attempt at one submission, and nothing secret.

Execution histories can be read by whoever may look at the state machine, and are kept for
months. So no token, no form and no credential is ever part of it.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from glue.leaderboard.evalai.models import SubmissionKey

# What the state machine does next; its Choice states know exactly these words.
Next = Literal["prepare", "launch", "watch", "finish", "fail", "renew", "end"]


class Failure(BaseModel):
    """Why an attempt fails: a word for programs and a sentence for people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[a-z][a-z_]{0,62}$")
    message: str = ""


class StepError(BaseModel):
    """What a Catch adds when a step has failed for good, in Step Functions' own words."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    Error: str = "Unknown"
    Cause: str = ""


class Run(BaseModel):
    """One attempt at a submission, as each step takes it and answers it.

    `attempt` counts from 1; a resume or an operator's re-run makes the next. `reopen` allows
    EvalAI's `finished` or `failed` to be set running again. `results_of` is the attempt whose
    stored results are judged, None for this one's own. `part` and `watches` keep an execution's
    history within Step Functions' limit: after enough watches another execution carries on.
    Times are UTC in ISO 8601.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    challenge: int = Field(ge=1)
    phase: int = Field(ge=1)
    submission: int = Field(ge=1)
    attempt: int = Field(default=1, ge=1)
    image: str | None = None
    is_static_dataset: bool = False
    reopen: bool = False
    results_of: int | None = Field(default=None, ge=1)
    team: str | None = None
    track: str = ""  # such as leaderboard-10-SENSORS
    next: Next = "prepare"
    wait_seconds: int = Field(default=0, ge=0)
    watches: int = Field(default=0, ge=0)
    part: int = Field(default=1, ge=1)
    execution: str | None = None  # ARN of the execution that this is the state of
    looked_at: str | None = None  # when EvalAI was last asked during the watch
    failure: Failure | None = None
    error: StepError | None = None

    @property
    def key(self) -> SubmissionKey:
        """The submission's primary keys at EvalAI."""
        return SubmissionKey(self.challenge, self.phase, self.submission)

    def then(self, following: Next, **changes: object) -> Self:
        """Return the run with what comes next, and what else has changed."""
        return self.model_copy(update={"next": following, "error": None, **changes})
