"""Writing a CARLA results file: a merged run's, in the shape that its evaluator gives it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from glue.errors import InputError
from glue.leaderboard.results import carla_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glue.leaderboard.results.carla_document import RouteRecord
    from glue.leaderboard.results.parsed import Parsed, Version


def render(parsed: Parsed) -> str:
    """Return the results file of a verdict as JSON; `parse` reads the same verdict from it.

    Raises InputError when the verdict is not about a CARLA file.
    """
    if parsed.document is None:
        raise InputError(
            "results", "there is no CARLA results file to write", "give the verdict on one"
        )
    document = parsed.document.model_dump(by_alias=True, exclude_none=True)
    labels = carla_figures.LABELS[parsed.version] if parsed.version and parsed.trusted else ()
    document["values"] = [
        f"{parsed.metrics[label.evalai]:.3f}"
        if parsed.version == "1.0"
        else str(parsed.metrics[label.evalai])
        for label in labels
    ]
    document["labels"] = [label.inside for label in labels]
    return json.dumps(document, indent=4)


def global_record(records: Sequence[RouteRecord], version: Version) -> dict[str, Any]:
    """Return the global record of a whole run, at least one route of it."""
    figures = carla_figures.figures(records, version, len(records))
    labels = carla_figures.LABELS[version]
    statuses = {record.status for record in records}
    failures = [
        [record.route_id, record.index, record.status]
        for record in records
        if record.status not in carla_figures.COMPLETED
    ]
    success = "Perfect" if statuses == {"Perfect"} else "Completed"
    return {
        "index": -1,
        "route_id": -1,
        "status": "Failed" if failures else success,
        "infractions": {
            label.keys[0]: figures[label.evalai] for label in labels if not label.is_score
        },
        "scores" if version == "1.0" else "scores_mean": {
            label.keys[0]: figures[label.evalai] for label in labels if label.is_score
        },
        "scores_std_dev": carla_figures.deviations(records),
        "meta": {
            "total_length": math.fsum(record.meta.route_length for record in records),
            "duration_game": math.fsum(record.meta.duration_game for record in records),
            "duration_system": math.fsum(record.meta.duration_system for record in records),
            "exceptions": failures,
        },
    }
