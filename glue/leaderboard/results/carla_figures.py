"""CARLA's metrics: EvalAI's labels, where a results file keeps them, and how they are computed.

Formulas are those of the evaluators, checked against published results files.
"""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from glue.leaderboard.results.carla_document import RouteRecord
    from glue.leaderboard.results.parsed import Version


@dataclass(frozen=True, slots=True)
class Label:
    """A metric: EvalAI's label, the label inside results files, and its keys in the file.

    The first key is the one that is written; the others are read, too.
    """

    evalai: str
    inside: str
    keys: tuple[str, ...]
    is_score: bool = False

    @property
    def attribute(self) -> str:
        """The metric's name in a table, such as `off_road_infractions`."""
        return re.sub(r"[ -]", "_", self.evalai.lower())


_SCORES = (
    Label("Driving score", "Avg. driving score", ("score_composed",), is_score=True),
    Label("Route completion", "Avg. route completion", ("score_route",), is_score=True),
    Label("Infraction penalty", "Avg. infraction penalty", ("score_penalty",), is_score=True),
)
_INFRACTIONS = (
    Label("Collisions pedestrians", "Collisions with pedestrians", ("collisions_pedestrian",)),
    Label("Collisions vehicles", "Collisions with vehicles", ("collisions_vehicle",)),
    Label("Collisions layout", "Collisions with layout", ("collisions_layout",)),
    Label("Red light infractions", "Red lights infractions", ("red_light",)),
    Label("Stop sign infractions", "Stop sign infractions", ("stop_infraction",)),
    Label("Off-road infractions", "Off-road infractions", ("outside_route_lanes",)),
    Label("Route deviations", "Route deviations", ("route_dev",)),
    Label("Route timeouts", "Route timeouts", ("route_timeout",)),
    Label("Agent blocked", "Agent blocked", ("vehicle_blocked",)),
)
_SINCE_2 = (
    Label(
        "Yield emergency vehicle infractions",
        "Yield emergency vehicles infractions",
        ("yield_emergency_vehicle_infractions", "yield_emergency_vehicles_infractions"),
    ),
    Label("Scenario timeouts", "Scenario timeouts", ("scenario_timeouts",)),
    Label("Min speed infractions", "Min speed infractions", ("min_speed_infractions",)),
)
LABELS: dict[Version, tuple[Label, ...]] = {
    "1.0": _SCORES + _INFRACTIONS,
    "2.0": _SCORES + _INFRACTIONS + _SINCE_2,
    "2.1": _SCORES + _INFRACTIONS + _SINCE_2,
}
COMPLETED = ("Completed", "Perfect")

# What one infraction does to a route's penalty factor: 1.0 and 2.0 multiply these, 2.1 divides
# one by one plus the sum of those.
_FACTORS = {
    "collisions_pedestrian": (0.5, 1.0),
    "collisions_vehicle": (0.6, 0.7),
    "collisions_layout": (0.65, 0.6),
    "red_light": (0.7, 0.4),
    "stop_infraction": (0.8, 0.25),
    "scenario_timeouts": (0.7, 0.4),
    "yield_emergency_vehicle_infractions": (0.7, 0.4),
    "yield_emergency_vehicles_infractions": (0.7, 0.4),
}
_SLOWEST_FACTOR, _SLOWEST_TERM = 0.7, 0.4  # for an average speed of 0 % of the traffic's
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)%", re.ASCII)
_METRES = re.compile(r"([0-9]+(?:\.[0-9]+)?) meters", re.ASCII)
_SHORTEST = 0.001  # km; a car that never moved has driven this far
_PENALTY_TOLERANCE = 0.001  # messages round what the evaluator computed with


def messages(record: RouteRecord, label: Label) -> list[Any]:
    """Return the messages of one kind of infraction on a route."""
    return [message for key in label.keys for message in record.infractions.get(key, ())]


def kilometres(record: RouteRecord) -> float:
    """Return how far the car came on its route, in km."""
    return record.meta.route_length / 1000 * record.scores.score_route / 100


def figures(records: Sequence[RouteRecord], version: Version, routes: int) -> dict[str, float]:
    """Return the metrics of these routes by EvalAI's labels; routes that lack score nothing.

    `routes` is at least 1. A distance in a message may be infinite; everything else is finite.
    """
    digits = None if version == "1.0" else 6
    found = {}
    for label in LABELS[version]:
        if label.is_score:
            total = math.fsum(getattr(record.scores, label.keys[0]) for record in records)
            mean = total / routes
            found[label.evalai] = mean if digits is None else round(mean, digits)
        elif version == "1.0":
            found[label.evalai] = _per_route(records, label)
        else:
            found[label.evalai] = _overall(records, label)
    return found


def _per_route(records: Sequence[RouteRecord], label: Label) -> float:
    return math.fsum(
        len(messages(record, label)) / max(kilometres(record), _SHORTEST)
        for record in records
        if record.scores.score_route
    )


def _overall(records: Sequence[RouteRecord], label: Label) -> float:
    found = [str(message) for record in records for message in messages(record, label)]
    if label.keys == ("outside_route_lanes",):  # the one figure that is a distance, in km
        metres = (_METRES.search(message) for message in found)
        return round(math.fsum(float(match[1]) for match in metres if match) / 1000, 3)
    driven = math.fsum(kilometres(record) for record in records)
    return round(len(found) / max(driven, _SHORTEST), 3)


def deviations(records: Sequence[RouteRecord]) -> dict[str, float]:
    """Return the standard deviations of the scores; 0 for a single route."""
    keys = [label.keys[0] for label in _SCORES]
    return {
        key: statistics.stdev(getattr(record.scores, key) for record in records)
        if len(records) > 1
        else 0.0
        for key in keys
    }


def scored_by(records: Sequence[RouteRecord]) -> tuple[int, int]:
    """Return how many routes only 2.0 can have scored so, and how many only 2.1.

    Routes without infractions, and those whose penalty is the same in both, count in neither.
    """
    only_20 = only_21 = 0
    for record in records:
        penalty = record.scores.score_penalty
        fits_20 = math.isclose(_penalty_20(record), penalty, abs_tol=_PENALTY_TOLERANCE)
        fits_21 = any(
            math.isclose(candidate, penalty, abs_tol=_PENALTY_TOLERANCE)
            for candidate in _penalties_21(record)
        )
        only_20 += fits_20 and not fits_21
        only_21 += fits_21 and not fits_20
    return only_20, only_21


def _penalty_20(record: RouteRecord) -> float:
    penalty = math.prod(
        factor ** len(record.infractions.get(key, ())) for key, (factor, _) in _FACTORS.items()
    )
    for share in _percentages(record, "min_speed_infractions"):
        penalty *= 1 - (1 - _SLOWEST_FACTOR) * (1 - share)
    for share in _percentages(record, "outside_route_lanes"):
        penalty *= 1 - share
    return penalty


def _penalties_21(record: RouteRecord) -> Iterator[float]:
    total = math.fsum(
        term * len(record.infractions.get(key, ())) for key, (_, term) in _FACTORS.items()
    )
    slow = list(_percentages(record, "min_speed_infractions"))
    # By how much the car was too slow, or the whole term each time: builds of 2.1 differ.
    yield 1 / (1 + total + _SLOWEST_TERM * math.fsum(1 - share for share in slow))
    yield 1 / (1 + total + _SLOWEST_TERM * len(slow))


def _percentages(record: RouteRecord, key: str) -> Iterator[float]:
    for message in record.infractions.get(key, ()):
        if match := _PERCENT.search(str(message)):
            yield min(float(match[1]) / 100, 1.0)
