"""What the evaluator computes at the end of a run, by the formulas of its versions."""

from __future__ import annotations

import math
import re
import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Record = dict[str, Any]

SCORES = {
    "score_composed": "Avg. driving score",
    "score_route": "Avg. route completion",
    "score_penalty": "Avg. infraction penalty",
}
INFRACTIONS = {
    "collisions_pedestrian": "Collisions with pedestrians",
    "collisions_vehicle": "Collisions with vehicles",
    "collisions_layout": "Collisions with layout",
    "red_light": "Red lights infractions",
    "stop_infraction": "Stop sign infractions",
    "outside_route_lanes": "Off-road infractions",
    "route_dev": "Route deviations",
    "route_timeout": "Route timeouts",
    "vehicle_blocked": "Agent blocked",
}
# Early evaluators of 2.0, as the recording's, spell the first with one more s.
LATER = {
    "yield_emergency_vehicle_infractions": "Yield emergency vehicles infractions",
    "yield_emergency_vehicles_infractions": "Yield emergency vehicles infractions",
    "scenario_timeouts": "Scenario timeouts",
    "min_speed_infractions": "Min speed infractions",
}
GOOD = ("Completed", "Perfect")
_EARLY, _LATE = "yield_emergency_vehicles_infractions", "yield_emergency_vehicle_infractions"
# 2.1: a route's penalty is one divided by one plus the sum of these.
_COSTS = {
    "collisions_pedestrian": 1.0,
    "collisions_vehicle": 0.7,
    "collisions_layout": 0.6,
    "red_light": 0.4,
    "stop_infraction": 0.25,
    "scenario_timeouts": 0.4,
    _LATE: 0.4,
    "min_speed_infractions": 0.4,
}
_METRES = re.compile(r"([0-9]+(?:\.[0-9]+)?) meters", re.ASCII)
_SHORTEST = 0.001  # km; what a car that never moved has driven


def rescore(record: Record) -> Record:
    """Return a route of a 2.0 run as the evaluator of 2.1 would have scored it."""
    infractions = dict(record["infractions"])
    if _EARLY in infractions:
        infractions[_LATE] = infractions.pop(_EARLY)
    total = math.fsum(cost * len(infractions.get(key, ())) for key, cost in _COSTS.items())
    penalty = round(1 / (1 + total), 6)
    scores = record["scores"] | {
        "score_penalty": penalty,
        "score_composed": round(max(record["scores"]["score_route"] * penalty, 0), 6),
    }
    return record | {"infractions": infractions, "scores": scores}


def global_record(records: Sequence[Record], version: str) -> Record:
    """Return the global record of a complete run, which has at least one route."""
    is_first = version == "1.0"
    failed = [
        [record["route_id"], record["index"], record["status"]]
        for record in records
        if record["status"] not in GOOD
    ]
    is_perfect = all(record["status"] == "Perfect" for record in records)
    keys = [key for key in (*INFRACTIONS, *LATER) if key in records[0]["infractions"]]
    metas = [record["meta"] for record in records]
    return {
        "index": -1,
        "route_id": -1,
        "status": "Failed" if failed else "Perfect" if is_perfect else "Completed",
        "infractions": {
            key: _per_route(records, key) if is_first else _overall(records, key) for key in keys
        },
        "scores" if is_first else "scores_mean": {
            key: _mean(records, key, None if is_first else 6) for key in SCORES
        },
        "scores_std_dev": {key: _deviation(records, key, is_first=is_first) for key in SCORES},
        "meta": {
            "total_length": math.fsum(meta["route_length"] for meta in metas),
            "duration_game": math.fsum(meta["duration_game"] for meta in metas),
            "duration_system": math.fsum(meta["duration_system"] for meta in metas),
            "exceptions": failed,
        },
    }


def board(overall: Record, version: str) -> tuple[list[str], list[str]]:
    """Return the values and labels of a global record, as the evaluator writes them."""
    scores = overall["scores" if version == "1.0" else "scores_mean"]
    numbers = [scores[key] for key in SCORES]
    labels = list(SCORES.values())
    for key, label in (INFRACTIONS | LATER).items():
        if key in overall["infractions"]:
            numbers.append(overall["infractions"][key])
            labels.append(label)
    return [f"{value:.3f}" if version == "1.0" else str(value) for value in numbers], labels


def _mean(records: Sequence[Record], key: str, digits: int | None) -> float:
    mean = math.fsum(record["scores"][key] for record in records) / len(records)
    return mean if digits is None else round(mean, digits)


def _deviation(records: Sequence[Record], key: str, *, is_first: bool) -> float | str:
    if len(records) == 1:
        return "NaN" if is_first else 0
    scores: list[float] = [record["scores"][key] for record in records]
    return round(statistics.stdev(scores), 3)


def _kilometres(record: Record) -> float:
    driven: float = record["meta"]["route_length"] / 1000 * record["scores"]["score_route"] / 100
    return driven


def _per_route(records: Sequence[Record], key: str) -> float:
    return math.fsum(
        len(record["infractions"][key]) / max(_kilometres(record), _SHORTEST)
        for record in records
        if record["scores"]["score_route"]
    )


def _overall(records: Sequence[Record], key: str) -> float:
    found = [message for record in records for message in record["infractions"][key]]
    if key == "outside_route_lanes":  # the one figure that is a distance, in km
        metres = (_METRES.search(message) for message in found)
        return round(math.fsum(float(match[1]) for match in metres if match) / 1000, 3)
    driven = math.fsum(map(_kilometres, records))
    return round(len(found) / max(driven, _SHORTEST), 3)
