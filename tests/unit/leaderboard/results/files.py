"""Results files for tests: real ones, and made ones of any size and version."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

DATA = Path(__file__).parents[3] / "data" / "carla"
LB10 = (DATA / "lb10_finished_with_agent_errors_36routes.json").read_bytes()
LB20 = (DATA / "lb20_finished_25routes.json").read_bytes()
MIXED = (DATA / "lb20_partial_12of25_mixed.json").read_bytes()
CRASHED = (DATA / "lb20_partial_agent_crashed_1of25.json").read_bytes()
FINISHED = {"1.0": LB10, "2.0": LB20}

KINDS = (
    "collisions_layout",
    "collisions_pedestrian",
    "collisions_vehicle",
    "red_light",
    "stop_infraction",
    "outside_route_lanes",
    "route_dev",
    "route_timeout",
    "vehicle_blocked",
)
KINDS_2 = ("min_speed_infractions", "yield_emergency_vehicle_infractions", "scenario_timeouts")


def loaded(content: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(content)
    return document


def changed(content: bytes, place: str, value: object) -> str:
    """Return a file with one place, such as `_checkpoint.records.0.status`, set."""
    document = loaded(content)
    part: Any = document
    *path, last = [int(step) if step.isdigit() else step for step in place.split("/")]
    for step in path:
        part = part[step]
    part[last] = value
    return json.dumps(document)


def record(
    index: int,
    version: str = "2.0",
    *,
    penalty: float = 1.0,
    route: float = 100,
    status: str = "Completed",
    name: str | None = None,
    **infractions: list[str],
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "index": index,
        "route_id": name or f"RouteScenario_{index}_rep0",
        "status": status,
        "infractions": {kind: [] for kind in KINDS + (KINDS_2 if version != "1.0" else ())}
        | infractions,
        "scores": {
            "score_route": route,
            "score_penalty": penalty,
            "score_composed": route * penalty,
        },
        "meta": {"route_length": 1000.0, "duration_game": 50.0, "duration_system": 100.0},
    }
    if version != "1.0":
        made["num_infractions"] = sum(map(len, infractions.values()))
    return made


def run(
    records: list[dict[str, Any]],
    version: str = "2.0",
    *,
    status: str = "Finished",
    sensors: tuple[str, ...] = ("carla_camera", "carla_gnss"),
) -> dict[str, Any]:
    """Return a finished run of these routes, with infraction figures of zero."""
    kinds = KINDS + (KINDS_2 if version != "1.0" else ())
    return {
        "_checkpoint": {
            "global_record": {
                "index": -1,
                "route_id": -1,
                "status": "Completed",
                "infractions": dict.fromkeys(kinds, 0.0),
                "scores" if version == "1.0" else "scores_mean": {
                    key: sum(r["scores"][key] for r in records) / len(records)
                    for key in ("score_route", "score_penalty", "score_composed")
                },
                "meta": {"exceptions": []},
            },
            "progress": [len(records), len(records)],
            "records": records,
        },
        "entry_status": status,
        "eligible": True,
        "sensors": list(sensors),
        "values": [],
        "labels": [],
    }


def part_of(content: bytes, indices: list[int], **changes: object) -> str:
    """Return the file of a worker that had these routes of a real run."""
    whole = loaded(content)
    records = [copy.deepcopy(whole["_checkpoint"]["records"][index]) for index in indices]
    for index, one in enumerate(records):
        one["index"] = index
    version = "1.0" if "scores" in whole["_checkpoint"]["global_record"] else "2.0"
    made = run(records, version, status=whole["entry_status"], sensors=tuple(whole["sensors"]))
    return json.dumps(made | changes)


@st.composite
def shares(draw: st.DrawFn, count: int, most: int = 6) -> list[list[int]]:
    """Draw how workers share out routes: each has at least one, in any order."""
    order = draw(st.permutations(range(count)))
    workers = draw(st.integers(1, min(most, count)))
    cuts = sorted(
        draw(
            st.lists(
                st.integers(1, count - 1), min_size=workers - 1, max_size=workers - 1, unique=True
            )
        )
        if workers > 1
        else []
    )
    return [list(order[start:end]) for start, end in zip([0, *cuts], [*cuts, count], strict=True)]
