"""What EvalAI says about a submission, and what it is told.

Times are aware and in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

MOST_LOG_CHARACTERS = 100_000  # of each text; the end of a log is what tells why


class Status(StrEnum):
    """The status of a submission at EvalAI."""

    SUBMITTED = "submitted"
    QUEUED = "queued"
    SUBMITTING = "submitting"
    RESUMING = "resuming"
    RUNNING = "running"
    PARTIALLY_EVALUATED = "partially_evaluated"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ARCHIVED = "archived"

    @property
    def is_closed(self) -> bool:
        """Tell whether EvalAI waits for nothing more."""
        return self in CLOSED


CLOSED = frozenset({Status.FINISHED, Status.FAILED, Status.CANCELLED, Status.ARCHIVED})
WITHDRAWN = frozenset({Status.CANCELLED, Status.ARCHIVED})  # by a person, for good
UNDER_WAY = frozenset({Status.RUNNING, Status.PARTIALLY_EVALUATED})  # EvalAI was told that it runs


class SubmissionKey(NamedTuple):
    """The primary keys of a submission at EvalAI, of its challenge and of its phase."""

    challenge: int
    phase: int
    submission: int


def _in_utc(time: datetime) -> datetime:
    return time.astimezone(UTC)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    return [] if value is None else value


Time = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Submission(BaseModel):
    """A submission as EvalAI answers it; fields that are not used here are left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int
    participant_team: int
    participant_team_name: str = ""
    challenge_phase: int
    status: Annotated[Status, BeforeValidator(_lower)]
    submitted_at: Time | None = None
    started_at: Time | None = None
    completed_at: Time | None = None
    rerun_resumed_at: Time | None = None
    input_file: str | None = None
    job_name: Annotated[list[str], BeforeValidator(_listed)] = Field(default_factory=list)
    is_flagged: bool = False
    ignore_submission: bool = False

    def knows_job(self, name: str) -> bool:
        """Tell whether EvalAI has been told of a job; it keeps names in lower case."""
        return name.lower() in self.job_name


class Logs(NamedTuple):
    """The texts that go with a result.

    `metadata` is seen by the challenge's hosts only, `environment_log` is not taken for interim
    results.
    """

    stdout: str = ""
    stderr: str = ""
    environment_log: str = ""
    metadata: str = ""

    def clipped(self) -> Logs:
        """Return the texts as EvalAI can store them: valid Unicode, long ones without their start.

        EvalAI answers text that has no UTF-8 form (half a surrogate pair) with a server error.
        """
        return Logs(*(_clip(text) for text in self))


def _clip(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()
    if len(text) <= MOST_LOG_CHARACTERS:
        return text
    left_out = len(text) - MOST_LOG_CHARACTERS
    return f"[{left_out} characters left out]\n{text[left_out:]}"


class Outcome(NamedTuple):
    """What came of telling EvalAI something.

    `status` is what EvalAI holds now as far as we know; `sent` is False when it was not told,
    because the submission was closed already (cancelled, most often) or knew it.
    """

    status: Status
    sent: bool
