"""The verdict on an attempt's results files, by what its leaderboard expects of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from glue.errors import InputError
from glue.leaderboard.results.carla_figures import LABELS
from glue.leaderboard.results.evalai import CARLA_LABELS, result_text
from glue.leaderboard.results.generic import parse_generic
from glue.leaderboard.results.merge import merge
from glue.leaderboard.results.parsed import Parsed
from glue.leaderboard.results.render import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glue.settings import Evaluation

NO_FILE = Parsed("not_yet", "there is no results file")
MOST_FAILURES = 50  # routes that are named one by one


def judge(evaluation: Evaluation, files: Sequence[bytes | None]) -> Parsed:
    """Return the verdict on the files of an attempt's workers, None for a file that is not there.

    Raises InputError when the leaderboard is set up for several workers and a format that has no
    way to put their files together.
    """
    if evaluation.format == "carla":
        parts = [NO_FILE if file is None else file for file in files]
        return merge(parts, len(parts), evaluation.records, evaluation.version)
    if len(files) != 1:
        raise InputError(
            "workers", "results of the generic format are one file", "write 1, or format carla"
        )
    if files[0] is None:
        return NO_FILE
    return parse_generic(files[0], units=evaluation.records, labels=evaluation.labels or None)


def whole_file(parsed: Parsed, files: Sequence[bytes | None]) -> str:
    """Return the results file of the whole attempt: the workers' merged, or the only one."""
    if parsed.document is not None:
        return render(parsed)
    return (files[0] or b"").decode("utf-8", "replace")


def for_evalai(evaluation: Evaluation, metrics: Mapping[str, float]) -> str:
    """Return metrics as the text that EvalAI takes. Raises InputError for what it would refuse."""
    labels = CARLA_LABELS if evaluation.format == "carla" else evaluation.labels or tuple(metrics)
    return result_text(
        metrics,
        evaluation.split,
        show_to_participant=evaluation.show_to_participant,
        labels=labels,
    )


def attributes(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return metrics by their names in the table, such as `off_road_infractions`."""
    known = {label.evalai: label.attribute for label in LABELS["2.1"]}
    return {
        known.get(label) or re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_") or label: value
        for label, value in metrics.items()
    }


def metadata(leaderboard: str, attempt: int, job: str, parsed: Parsed) -> str:
    """Return what hosts read beside a result, as JSON."""
    told = {
        "leaderboard": leaderboard,
        "attempt": attempt,
        "job": job,
        "version": parsed.version,
        "routes_done": parsed.routes_done,
        "routes_expected": parsed.routes_expected,
        "entry_status": parsed.entry_status,
        "not_completed": dict(parsed.failures[:MOST_FAILURES]),
        "remarks": list(parsed.remarks),
    }
    return json.dumps(told)
