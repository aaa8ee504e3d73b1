"""The result as EvalAI takes it: a string that holds JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from glue.errors import InputError
from glue.leaderboard.results.carla import finite
from glue.leaderboard.results.carla_figures import LABELS
from glue.leaderboard.results.parsed import show

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

CARLA_LABELS = tuple(label.evalai for label in LABELS["2.1"])
CARLA_SPLIT = "leaderboard"


def result_text(
    metrics: Mapping[str, float],
    split: str = CARLA_SPLIT,
    *,
    show_to_participant: bool = True,
    labels: Collection[str] = CARLA_LABELS,
) -> str:
    """Return the `result` of a submission for EvalAI, with the metrics in their order.

    `labels` are those of the challenge's leaderboard. Raises InputError for what EvalAI would
    refuse, or take and show wrongly: no metrics, a label it does not know, and what is no finite
    number (true counts as 1 there).
    """
    if not metrics:
        raise InputError("metrics", "there are none", "give the metrics of a trusted file")
    if not split:
        raise InputError("split", "it is empty", "write the codename of the dataset split")
    for label, value in metrics.items():
        if label not in labels:
            raise InputError(
                "metrics",
                f"the leaderboard has no label {show(label)}",
                f"use one of {', '.join(labels)}; capitals and hyphens count",
            )
        if finite(value) is None:
            raise InputError(
                f"metrics: {label}",
                f"{show(value)} is no finite number",
                "report the run as failed: it has no result",
            )
    result = {
        "split": split,
        "show_to_participant": show_to_participant,
        "accuracies": dict(metrics),
    }
    return json.dumps([result], allow_nan=False)
