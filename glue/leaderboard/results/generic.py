"""The result format for challenges that are not CARLA's.

An evaluator writes one JSON object, `generic.schema.json` says which; a half-written file is
`not_yet`, as CARLA's. What a schema cannot say is checked here: a finished result has all its
units and at least one metric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from glue.leaderboard.results.parsed import Outcome, Parsed, show
from glue.leaderboard.results.reading import read_object

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

FORMAT = "leaderboard-result"
EXAMPLE: dict[str, JsonValue] = {
    "format": FORMAT,
    "format_version": 1,
    "status": "finished",
    "units": {"done": 200, "expected": 200},
    "metrics": {"Accuracy": 0.93, "Median error": 0.012},
}


class Units(BaseModel):
    """How far the evaluation is, in the challenge's own units: cases, routes, episodes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    done: Annotated[int, Field(ge=0, description="Units whose evaluation has ended.")]
    expected: Annotated[int, Field(ge=1, description="Units that a finished result has.")]


class GenericResult(BaseModel):
    """A result of any challenge, rewritten as the evaluation goes on."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE]}
    )

    format: Literal["leaderboard-result"]
    format_version: Annotated[int, Field(ge=1, le=1)]
    status: Annotated[
        Literal["running", "finished", "failed"],
        Field(description="finished needs all units and at least one metric."),
    ]
    units: Units
    metrics: Annotated[
        dict[
            Annotated[str, Field(min_length=1, max_length=128)],
            Annotated[float, Field(allow_inf_nan=False)],
        ],
        Field(description="The leaderboard's labels, in the order to report, and their numbers."),
    ] = {}
    reason: Annotated[str, Field(max_length=2000, description="Why the evaluation failed.")] = ""


def schema() -> dict[str, Any]:
    """Return the format's JSON schema, which `generic.schema.json` holds."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **GenericResult.model_json_schema(),
    }


def parse_generic(
    content: bytes | str, *, units: int | None = None, labels: Collection[str] | None = None
) -> Parsed:
    """Return the verdict on a file of this format; never raises for what it holds.

    `units` is how many units a finished result must have. `labels` are the leaderboard's: a
    metric beyond them or one that lacks makes the file unusable.
    """
    document = read_object(content)
    return document if isinstance(document, Parsed) else judge_generic(document, units, labels)


def judge_generic(
    content: dict[str, Any], units: int | None = None, labels: Collection[str] | None = None
) -> Parsed:
    """Return the verdict on a file's JSON object; `parse_generic` says what the rest means."""
    try:
        result = GenericResult.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = show(".".join(str(step) for step in first["loc"]))[1:-1]
        return Parsed("unusable", f"this is no {FORMAT} file: {place}: {first['msg']}")
    outcome, reason = _judge(result, units, labels)
    expected = result.units.expected if units is None else units
    return Parsed(
        outcome,
        reason,
        metrics=result.metrics if outcome == "trusted" else {},
        interim=result.metrics,
        routes_done=result.units.done,
        routes_expected=expected,
        entry_status=result.status,
    )


def _judge(
    result: GenericResult, units: int | None, labels: Collection[str] | None
) -> tuple[Outcome, str]:
    done, expected = result.units.done, result.units.expected
    if result.status == "running":
        return "not_yet", f"the evaluation is not finished: {done} of {expected} units are done"
    if result.status == "failed":
        return "unusable", f"the evaluation failed: {show(result.reason or 'it says no reason')}"
    trouble = next(_trouble(result, units, labels), None)
    if trouble:
        return "unusable", f"the file says 'finished', but {trouble}"
    return "trusted", f"finished: all {expected} units"


def _trouble(
    result: GenericResult, units: int | None, labels: Collection[str] | None
) -> Iterator[str]:
    done, expected = result.units.done, result.units.expected
    if units is not None and expected != units:
        yield f"it is about {expected} units and {units} are expected"
    if done != expected:
        yield f"{done} of {expected} units are done"
    if not result.metrics:
        yield "it has no metrics"
    if labels is not None and set(result.metrics) != set(labels):
        other = sorted(set(result.metrics) ^ set(labels))
        yield f"its metrics are not the leaderboard's: {show(other)}"
