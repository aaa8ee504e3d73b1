"""What a participant reads about a run, as EvalAI's stdout: plain ASCII lines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from glue.leaderboard.results.carla_figures import LABELS, messages
from glue.leaderboard.results.parsed import show

if TYPE_CHECKING:
    from glue.leaderboard.results.carla_document import RouteRecord
    from glue.leaderboard.results.parsed import Parsed, Version

FRAMES_PER_SECOND = 20  # of the simulated world


def stdout_text(parsed: Parsed) -> str:
    """Return the sensors, how far and how fast the run went, and a line for each route."""
    version: Version = parsed.version or "2.0"
    expected = "an unknown number of" if parsed.routes_expected is None else parsed.routes_expected
    lines = [f"Routes done: {parsed.routes_done} of {expected}", f"State: {parsed.reason}"]
    if parsed.document and parsed.document.sensors:
        names = (show(name)[1:-1].removeprefix("carla_") for name in parsed.document.sensors)
        lines.append(f"Sensors: {', '.join(names)}")
    game = math.fsum(record.meta.duration_game for record in parsed.records)
    system = math.fsum(record.meta.duration_system for record in parsed.records)
    if game > 0 and system > 0:
        ratio = game / system
        frames = ratio * FRAMES_PER_SECOND
        lines.append(f"Simulation: {ratio:.3f} x real time, {frames:.1f} frames a second")
    if parsed.records:
        lines += ["", "Each route: driving score = route completion x infraction penalty"]
        lines += [_route(record, version) for record in parsed.records]
    return "\n".join([*lines, *(f"Note: {remark}" for remark in parsed.remarks)]) + "\n"


def _route(record: RouteRecord, version: Version) -> str:
    scores = record.scores
    counts = (
        f"{label.evalai.lower()} {count}"
        for label in LABELS[version]
        if not label.is_score and (count := len(messages(record, label)))
    )
    return (
        f"{show(record.route_id)[1:-1]}: {scores.score_composed:.2f} = "
        f"{scores.score_route:.2f} x {scores.score_penalty:.3f}, {show(record.status)[1:-1]}"
        f" ({', '.join(counts) or 'no infractions'})"
    )
