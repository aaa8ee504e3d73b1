"""The shape of a CARLA leaderboard's results file, as far as glue reads it.

Keys that nobody here reads are ignored: forks of the evaluator add their own. `values` and
`labels` are among them, because real files have fewer labels than values.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from glue.leaderboard.results.parsed import Parsed, show

# Far beyond any route, and small enough that no sum of them overflows.
_LARGEST = 1e12
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class _Part(BaseModel):
    # Strict: "12" and true are no numbers. Tuples and lists are told apart by nobody in JSON.
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Scores(_Part):
    """Percent of the route, penalty factor (1: no infraction), and their product in percent."""

    score_route: Finite = 0.0
    score_penalty: Finite = 0.0
    score_composed: Finite = 0.0


class RouteMeta(_Part):
    """Length in metres, durations in seconds: of the simulated world and of the wall clock."""

    route_length: Finite = 0.0
    duration_game: Finite = 0.0
    duration_system: Finite = 0.0


class RouteRecord(_Part):
    """One route in one repetition. `infractions` holds the messages of each kind."""

    index: int
    route_id: Annotated[str, Field(min_length=1, max_length=200)]
    status: str
    infractions: dict[str, list[Any]] = {}
    scores: Scores = Scores()
    meta: RouteMeta = RouteMeta()
    num_infractions: int | None = None


class Checkpoint(_Part):
    """The routes so far. `progress` is empty before the start, then [routes started, routes]."""

    global_record: dict[str, Any] = {}
    progress: Annotated[list[Count], Field(max_length=2)] = []
    records: Annotated[tuple[RouteRecord, ...], Field(strict=False)] = ()


class Document(_Part):
    """A results file. `eligible` is an empty string in a 1.0 file before the first route."""

    checkpoint: Annotated[Checkpoint, Field(alias="_checkpoint")]
    entry_status: str = ""
    eligible: bool | str = False
    sensors: list[str] = []


def read_document(content: dict[str, Any]) -> Document | Parsed:
    """Return a results file's contents, or the verdict when it is not of CARLA's shape."""
    try:
        return Document.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        return Parsed(
            "unusable",
            f"this is no CARLA results file: {show(place)[1:-1]}: {first['msg']}"
            + ("" if first["type"] == "missing" else f", and not {show(first['input'])}"),
        )
