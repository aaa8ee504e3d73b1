"""One submission as the table keeps it, and how it is written in DynamoDB's types."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from glue.leaderboard.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = ("team-id", "submission-id")
LARGEST_NUMBER, SMALLEST_NUMBER = 1e125, 1e-130  # beyond these DynamoDB has no numbers
LONGEST_TEXT = 8192  # characters: an item may have 400 KB, and reasons may quote strangers' logs


def _number(value: float) -> float:
    return value if abs(value) >= SMALLEST_NUMBER else 0.0


def _cut(text: str) -> str:
    """Return text that UTF-8 can hold, the long middle left out."""
    text = text.encode("utf-8", "replace").decode()
    if len(text) <= LONGEST_TEXT:
        return text
    half = LONGEST_TEXT // 2
    return f"{text[:half]} … {text[-half:]}"


Metric = Annotated[
    float,
    Field(allow_inf_nan=False, ge=-LARGEST_NUMBER, le=LARGEST_NUMBER),
    AfterValidator(_number),
]
Text = Annotated[str, AfterValidator(_cut)]


class SubmissionItem(BaseModel):
    """A submission and its latest attempt.

    Times are UTC in ISO 8601. `team` and `submission` are EvalAI's primary keys, and the table's.
    `is_static_dataset` and `reopen` are what Run says of this attempt. `results_of` is the attempt
    whose stored results are or were judged, None as long as no run has come to its end.
    `metrics` are named as attributes are, such as `off_road_infractions`. `evalai_status` is what
    EvalAI holds as far as we know; `finding` and `remedy` are the reconciler's.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    team: int = Field(ge=1)
    submission: int = Field(ge=1)
    challenge: int = Field(ge=1)
    phase: int = Field(ge=1)
    attempt: int = Field(default=1, ge=1)
    state: State = State.SUBMITTED
    team_name: Text = ""
    track: str = ""
    image: str | None = None
    is_static_dataset: bool = False
    reopen: bool = False
    results_of: int | None = Field(default=None, ge=1)
    reason_code: str = ""
    reason: Text = ""
    submitted_at: str | None = None
    prepared_at: str | None = None
    launched_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    updated_at: str | None = None
    job_name: str | None = None
    job_uid: str | None = None
    pod: str | None = None
    node: str | None = None
    execution: str | None = None
    routes_done: int | None = None
    routes_expected: int | None = None
    metrics: dict[str, Metric] = {}
    results: str | None = None
    evalai_status: str = ""
    form_made_at: str | None = None
    interim_at: str | None = None
    finding: Text = ""
    remedy: Text = ""


def to_attributes(item: SubmissionItem) -> dict[str, Any]:
    """Return an item as DynamoDB takes it; what is None is left out."""
    fields = item.model_dump(exclude={"team", "submission"}, exclude_none=True)
    return {
        KEYS[0]: {"S": str(item.team)},
        KEYS[1]: {"S": str(item.submission)},
        **{name: to_attribute(value) for name, value in fields.items()},
    }


def to_attribute(value: str | bool | int | float | dict[str, float]) -> dict[str, Any]:
    """Return a value in DynamoDB's types. Numbers are numbers, exactly as they are here."""
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float):
        return {"N": str(Decimal(repr(value)))}
    return {"M": {name: to_attribute(number) for name, number in value.items()}}


def from_attributes(attributes: Mapping[str, Any]) -> SubmissionItem:
    """Return the item that DynamoDB's attributes hold; those not known here are left alone."""
    fields = {
        name: _value(attribute)
        for name, attribute in attributes.items()
        if name in SubmissionItem.model_fields
    }
    return SubmissionItem(
        team=attributes[KEYS[0]]["S"], submission=attributes[KEYS[1]]["S"], **fields
    )


def _value(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    if kind == "M":
        return {name: _value(inner) for name, inner in value.items()}
    return value
