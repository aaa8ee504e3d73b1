"""Whether a submission of the demonstration came to what it must come to, wherever that stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from glue.demo.story import DemonstrationError
from glue.leaderboard.names import attempt_prefix, submission_prefix
from glue.leaderboard.states import State

if TYPE_CHECKING:
    from glue.demo.leaderboards import Entry
    from glue.demo.leaderboards_ground import Ground
    from glue.leaderboard.table import SubmissionItem

RESULTS = ("results.json", "evalai/results.json", "evalai/stdout.txt", "evalai/metadata.json")
DRIVING_SCORE = "Driving score"
# How often EvalAI is told the end of a submission. A cancel it told us itself.
TOLD = {State.FINISHED: 1, State.FAILED: 1, State.CANCELLED: 0}


def check(ground: Ground, entry: Entry) -> None:
    """Raise DemonstrationError unless table, S3 and EvalAI agree on what was to be expected."""
    item = ground.item(entry.leaderboard, entry.submission)
    if item is None or item.state is not entry.ends_as:
        found = "not in the table" if item is None else f"{item.state} ({item.reason})"
        raise _surprise(entry, f"is {found}, not {entry.ends_as}")
    if not item.reason and item.state is State.FAILED:
        raise _surprise(entry, "failed without a reason")
    if item.finding:
        raise _surprise(entry, f"is closed, and the reconciler says: {item.finding}")
    if entry.is_late and (State.WAITING, "no_gpu_node") not in entry.seen:
        raise _surprise(entry, f"never waited for a GPU: {entry.seen}")
    entry.item = item
    _check_evalai(ground, entry, item)
    _check_objects(ground, entry, item)


def _check_evalai(ground: Ground, entry: Entry, item: SubmissionItem) -> None:
    held = ground.held(entry.submission)
    if held["status"] != entry.ends_as.value:
        raise _surprise(entry, f"EvalAI holds {held['status']}, not {entry.ends_as}")
    told = ground.final_words(entry.submission)
    if len(told) != TOLD[entry.ends_as]:
        raise _surprise(entry, f"EvalAI was told the end {len(told)} times: {told}")
    if entry.ends_as is State.FAILED and not told[0]["stderr"]:
        raise _surprise(entry, "the participant was given no reason")
    if entry.ends_as is not State.FINISHED:
        return
    if not any(row["team"] == entry.team.number for row in ground.board(entry.track)):
        raise _surprise(entry, f"is not on the board of {entry.track}")
    (score,) = held["scores"].values()
    if score["accuracies"][DRIVING_SCORE] != item.metrics["driving_score"]:
        raise _surprise(entry, f"EvalAI holds {score}, the table {item.metrics}")


def _check_objects(ground: Ground, entry: Entry, item: SubmissionItem) -> None:
    keys = ground.keys(entry.leaderboard, entry.submission)
    prefix = submission_prefix(entry.submission)
    there = [name for name in RESULTS if prefix + name in keys]
    if entry.ends_as is not State.FINISHED:
        # A cancel may come when the run has just ended: it wins, and the results are kept.
        is_complete = item.state is State.CANCELLED and item.routes_done == item.routes_expected
        if there and not is_complete:
            raise _surprise(entry, f"has results in S3 without having finished: {there}")
        return
    if len(there) != len(RESULTS):
        raise _surprise(entry, f"lacks some of {RESULTS} in S3: {sorted(keys)}")
    if not any(key.startswith(attempt_prefix(entry.submission, item.attempt)) for key in keys):
        raise _surprise(entry, f"has no file that its pod has sent: {sorted(keys)}")
    merged = ground.json_object(entry.leaderboard, f"{prefix}results.json")
    records = len(merged["_checkpoint"]["records"])
    if not records == item.routes_done == item.routes_expected:
        raise _surprise(entry, f"has {records} records, {item.routes_done} in the table")
    stored = ground.json_object(entry.leaderboard, f"{prefix}evalai/results.json")
    (told,) = ground.final_words(entry.submission)
    if json.loads(told["result"]) != stored:
        raise _surprise(entry, f"EvalAI was told {told['result']}, S3 holds {stored}")


def _surprise(entry: Entry, what: str) -> DemonstrationError:
    return DemonstrationError("leaderboards", f"submission {entry.submission} {what}")
