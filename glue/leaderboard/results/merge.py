"""One result from the files of workers that shared a submission's routes.

The evaluator's own script skips a file that is missing or empty and forgets how a worker ended,
so that 15 of 20 routes can look like a finished run. Here each worker's file must stand on its
own, each route be in exactly one, and all of them together be the whole.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from glue.leaderboard.results.carla import certain_second, judge, parse
from glue.leaderboard.results.parsed import Outcome, Parsed, Version, show
from glue.leaderboard.results.render import global_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from glue.leaderboard.results.carla_document import RouteRecord

_ROUTE = re.compile(r"RouteScenario_([0-9]{1,9})(?:_rep([0-9]{1,9}))?", re.ASCII)
_WITH_ERRORS = "Finished with agent errors"


def merge(
    files: Sequence[Parsed | bytes | str],
    workers: int,
    routes: int,
    version: Version | None = None,
) -> Parsed:
    """Return the verdict on a whole run from its workers' files, the first worker's first.

    `routes` is how many routes times repetitions all workers have together. A worker whose file
    is not there yet is left out at the end, or given as an empty text in its place. The metrics
    are computed from the routes; 1.0's as its evaluator of 2023 does.
    """
    parts = {
        number: file if isinstance(file, Parsed) else parse(file, version=version)
        for number, file in enumerate(files, start=1)
    }
    if wrong := next(_wrong(parts, workers), None):
        return _verdict(parts, routes, version, "unusable", wrong)
    waiting = [
        f"worker {number}: {parts[number].reason}"
        if number in parts
        else f"worker {number}: there is no file of it"
        for number in range(1, workers + 1)
        if number not in parts or not parts[number].trusted
    ]
    if waiting:
        return _verdict(parts, routes, version, "not_yet", "; ".join(waiting))
    return _whole(parts, routes, version)


def _wrong(parts: Mapping[int, Parsed], workers: int) -> Iterator[str]:
    """Say what no waiting will mend."""
    if len(parts) > workers:
        yield f"there are files of {len(parts)} workers, and {workers} ran"
    for number, part in parts.items():
        if part.outcome == "unusable":
            yield f"worker {number}: {part.reason}"
        elif part.trusted and part.document is None:
            yield f"worker {number}: this is no CARLA results file"
    yield from _twice(parts)
    yield from _unlike(parts)


def _twice(parts: Mapping[int, Parsed]) -> Iterator[str]:
    holders: dict[str, int] = {}
    for number, part in parts.items():
        for name in dict.fromkeys(record.route_id for record in part.records):
            if name in holders:
                yield (
                    f"workers {holders[name]} and {number} both have {show(name)}: "
                    "the routes were shared out wrongly, or one file stands for two workers"
                )
            holders[name] = number


def _unlike(parts: Mapping[int, Parsed]) -> Iterator[str]:
    versions: dict[Version, int] = {}
    sensors: dict[tuple[str, ...], int] = {}
    for number, part in parts.items():
        if part.document is None:
            continue
        certain = "1.0" if part.version == "1.0" else certain_second(part.document)
        if part.records and certain:
            versions.setdefault(certain, number)
        if part.document.sensors:
            sensors.setdefault(tuple(part.document.sensors), number)
    if len(versions) > 1:
        (one, first), (other, second), *_ = versions.items()
        yield f"worker {first} is of version {one} and worker {second} of {other}"
    if len(sensors) > 1:
        first, second, *_ = sensors.values()
        yield f"workers {first} and {second} have different sensors: one is of another submission"


def _whole(parts: Mapping[int, Parsed], routes: int, version: Version | None) -> Parsed:
    planned = sum(part.routes_expected or 0 for part in parts.values())
    document = _document(parts, planned)
    if version is None:
        version = _common_version(parts)
    records = judge(document, version=version).records
    document["_checkpoint"]["global_record"] = global_record(records, version)
    with_errors = any(part.entry_status == _WITH_ERRORS for part in parts.values())
    document |= {"entry_status": _WITH_ERRORS if with_errors else "Finished", "eligible": True}
    judged = judge(document, routes, version)
    gap = _gap(records)
    if judged.trusted and gap:
        return replace(judged, outcome="unusable", reason=gap, metrics={})
    return judged


def _common_version(parts: Mapping[int, Parsed]) -> Version:
    """Return the version of trusted parts that do not contradict each other."""
    certain = [
        certain_second(part.document)
        for part in parts.values()
        if part.document and part.version != "1.0"
    ]
    if not certain:
        return "1.0"
    return "2.1" if "2.1" in certain else "2.0"


def _gap(records: Sequence[RouteRecord]) -> str | None:
    """Say where the routes' numbers jump: then a worker ran routes that were not its own."""
    matches = [_ROUTE.fullmatch(record.route_id) for record in records]
    found = [(int(match[1]), int(match[2] or 0)) for match in matches if match]
    if len(found) < len(records):
        return None  # names of another kind: nothing to go by
    times = Counter(route for route, _ in found)
    numbers = sorted(times)
    for one, other in pairwise(numbers):
        if other != one + 1:
            return f"the routes jump from {one} to {other}: a worker ran routes not its own"
    most, fewest = max(numbers, key=times.__getitem__), min(numbers, key=times.__getitem__)
    if times[most] != times[fewest]:
        return f"route {most} was driven {times[most]} times and route {fewest} {times[fewest]}"
    return None


def _verdict(
    parts: Mapping[int, Parsed],
    routes: int,
    version: Version | None,
    outcome: Outcome,
    reason: str,
) -> Parsed:
    """Return a verdict without metrics, with what the routes so far amount to."""
    judged = judge(_document(parts, routes), routes, version)
    return replace(judged, outcome=outcome, reason=reason, metrics={})


def _document(parts: Mapping[int, Parsed], planned: int) -> dict[str, Any]:
    records = sorted((record for part in parts.values() for record in part.records), key=_order)
    sensors = next((p.document.sensors for p in parts.values() if p.document), [])
    return {
        "_checkpoint": {
            "global_record": {},
            "progress": [len(records), planned],
            "records": [
                record.model_dump(exclude_none=True) | {"index": index}
                for index, record in enumerate(records)
            ],
        },
        "entry_status": "Started",
        "eligible": False,
        "sensors": sensors,
    }


def _order(record: RouteRecord) -> tuple[int, int, str]:
    match = _ROUTE.fullmatch(record.route_id)
    if match is None:
        return (10**9, 0, record.route_id)
    return (int(match[1]), int(match[2] or 0), record.route_id)
