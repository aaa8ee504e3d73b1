"""CARLA leaderboard results files, versions 1.0, 2.0 and 2.1: what they say and when to believe it.

The evaluator runs in the participant's container, rewrites its file in place and may die at any
moment. Its final figures count only when it says that it has finished, every route is there, and
the figures follow from the routes.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from glue.leaderboard.results import carla_figures
from glue.leaderboard.results.carla_document import read_document
from glue.leaderboard.results.parsed import Outcome, Parsed, Version, show
from glue.leaderboard.results.reading import read_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.leaderboard.results.carla_document import Document, RouteRecord

FINISHED = ("Finished", "Finished with agent errors")
_RUNNING = ("", "Started")
# Statuses that the evaluator ends with, and after which it writes no result.
_ENDED = {
    "Crashed": "the evaluator crashed: resume the run, or start it again",
    "Rejected": "the evaluator rejected the agent's sensors: the participant must change them",
    "Invalid": "the evaluator's own check of the file failed: start the run again, without resume",
    "Finished with missing data": "the evaluator lacks routes: start the run again",
}
_SCORE_TOLERANCE = 0.005  # percent points; writers round to between 2 and 17 digits


def parse(
    content: bytes | str, *, routes: int | None = None, version: Version | None = None
) -> Parsed:
    """Return the verdict on a results file; never raises for what a file holds.

    `routes` is how many routes times repetitions the file must have; None believes the file's own
    word, which a worker that never started makes too small. `version` is the evaluator's that ran:
    a file of another is unusable, and a file that 2.0 and 2.1 would write alike becomes its.
    """
    document = read_object(content)
    return document if isinstance(document, Parsed) else judge(document, routes, version)


def judge(
    content: dict[str, Any], routes: int | None = None, version: Version | None = None
) -> Parsed:
    """Return the verdict on a results file's JSON object; `parse` says what the rest means."""
    document = read_document(content)
    if isinstance(document, Parsed):
        return document
    return _Judge(document, routes, version).verdict()


class _Judge:
    def __init__(self, document: Document, routes: int | None, wanted: Version | None) -> None:
        self.document = document
        self.records = document.checkpoint.records
        self.progress = document.checkpoint.progress
        self.planned = self.progress[1] if len(self.progress) > 1 else None
        self.expected = self.planned if routes is None else routes
        self.is_expected_given = routes is not None
        self.version, self.version_trouble = version_of(document, wanted)
        self.metrics: dict[str, float] = {}

    def verdict(self) -> Parsed:
        outcome, reason = self._outcome()
        records = self.records
        interim = {}
        if self.version:
            total = max(self.expected or 0, len(records), 1)
            interim = carla_figures.figures(records, self.version, total)
            if not all(map(math.isfinite, interim.values())):
                interim = {}
        return Parsed(
            outcome,
            reason,
            version=self.version,
            metrics=self.metrics if outcome == "trusted" else {},
            interim=interim,
            routes_done=sum(is_done(record) for record in records),
            routes_expected=self.expected,
            entry_status=self.document.entry_status,
            failures=tuple(
                (record.route_id, record.status)
                for record in records
                if is_done(record) and record.status not in carla_figures.COMPLETED
            ),
            remarks=self._remarks(),
            document=self.document,
        )

    def _outcome(self) -> tuple[Outcome, str]:
        status = self.document.entry_status
        if self.version_trouble:
            return "unusable", self.version_trouble
        if status in _RUNNING:
            done = sum(is_done(record) for record in self.records)
            of = "an unknown number of" if self.expected is None else self.expected
            return "not_yet", f"the run is not finished: {done} of {of} routes are done"
        if status in _ENDED:
            return "unusable", f"the file says {status!r}: {_ENDED[status]}"
        if status not in FINISHED:
            return "unusable", f"the file says {show(status)}, which no evaluator writes"
        trouble = next(self._incomplete(), None) or self._inconsistent() or self._no_metrics()
        if trouble:
            return "unusable", f"the file says {status!r}, but {trouble}"
        told = "" if self.is_expected_given else " (the file's own number: none was given)"
        return "trusted", f"{status}: all {self.expected} routes{told}"

    def _incomplete(self) -> Iterator[str]:
        """Say what is missing of the routes."""
        count = len(self.records)
        if self.planned is None:
            yield f"its progress is {self.progress} instead of two numbers"
        if self.expected == 0:
            yield "it has no routes"
        if self.planned != self.expected:
            yield f"it is about {self.planned} routes and {self.expected} are expected"
        if self.progress[0] != self.planned:
            yield f"its progress is {self.progress[0]} of {self.planned} routes"
        if count != self.planned:
            yield f"it has records of {count} routes instead of {self.planned}"
        for record in self.records:
            if not is_done(record):
                yield f"{show(record.route_id)} has the status {show(record.status)}"

    def _inconsistent(self) -> str | None:
        """Say which route stands twice."""
        times = Counter(record.route_id for record in self.records)
        most, fewest = max(times.values()), min(times.values())
        # Evaluators of before 2021 leave the repetition out of the name.
        twice = next((name for name, n in times.items() if n > 1 and "_rep" in name), None)
        if twice is None and most != fewest:
            twice = next(name for name, n in times.items() if n == most)
        return f"{show(twice)} stands in it {times[twice]} times" if twice else None

    def _no_metrics(self) -> str | None:
        """Say why there are no metrics that follow from the routes, or set them."""
        version = self.version
        overall = self.document.checkpoint.global_record
        if not overall or version is None:
            return "it has no global record"
        scores = overall.get("scores" if version == "1.0" else "scores_mean")
        infractions = overall.get("infractions")
        computed = carla_figures.figures(self.records, version, len(self.records))
        found: dict[str, float] = {}
        for label in carla_figures.LABELS[version]:
            place = scores if label.is_score else infractions
            values = [place[key] for key in label.keys if isinstance(place, dict) and key in place]
            if not values:
                return f"{label.evalai} is missing"
            number = finite(values[0])
            if number is None:
                return f"{label.evalai} is {show(values[0])} and no finite number"
            mean = computed[label.evalai]
            if label.is_score and not math.isclose(number, mean, abs_tol=_SCORE_TOLERANCE):
                return (
                    f"{label.evalai} is {number:g} and its routes give {mean:g}: "
                    "the global record is of another run"
                )
            found[label.evalai] = number
        self.metrics = found
        return None

    def _remarks(self) -> tuple[str, ...]:
        remarks = []
        exceptions = self.document.checkpoint.global_record.get("meta")
        listed = exceptions.get("exceptions") if isinstance(exceptions, dict) else None
        if isinstance(listed, list) and any(
            isinstance(entry, list) and entry and entry[-1] in carla_figures.COMPLETED
            for entry in listed
        ):
            remarks.append(
                "the evaluator was resumed and lists completed routes as exceptions: "
                "the statuses of the routes count"
            )
        if self.document.entry_status in FINISHED and self.document.eligible is not True:
            remarks.append("the evaluator does not call the entry eligible")
        if self.version == "1.0" and self._is_of_old_writer():
            remarks.append(
                "written by an older 1.0 evaluator, whose infraction figures are 100 times too "
                "small: do not compare them with those of newer ones"
            )
        return tuple(remarks)

    def _is_of_old_writer(self) -> bool:
        infractions = self.document.checkpoint.global_record.get("infractions")
        computed = carla_figures.figures(self.records, "1.0", 1)
        return isinstance(infractions, dict) and any(
            (number := finite(infractions.get(label.keys[0]))) is not None
            and number > 0
            and math.isclose(number * 100, computed[label.evalai], rel_tol=0.01)
            for label in carla_figures.LABELS["1.0"]
            if not label.is_score
        )


def is_done(record: RouteRecord) -> bool:
    """Tell whether a route has ended, well or not."""
    return record.status in carla_figures.COMPLETED or record.status.startswith("Failed")


def finite(value: object) -> float | None:
    """Return a JSON value as a finite number, or None: true, "NaN" and lists are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def version_of(document: Document, wanted: Version | None) -> tuple[Version | None, str | None]:
    """Return the evaluator's version, None when nothing tells, and what is wrong with it.

    2.0 and 2.1 write the same keys and differ in the penalties. Where these fit both, it is the
    version wanted, or else 2.0.
    """
    records, overall = document.checkpoint.records, document.checkpoint.global_record
    families = {_family(record) for record in records}
    families |= {name for key, name in (("scores", "1"), ("scores_mean", "2")) if key in overall}
    if not families and document.eligible == "":
        families = {"1"}
    if len(families) > 1:
        return None, "some of its parts are of version 1.0 and some of 2.0"
    if not families:
        return wanted, None
    if families == {"1"}:
        found: Version = "1.0"
    else:
        found = certain_second(document) or ("2.1" if wanted == "2.1" else "2.0")
    if wanted and found != wanted:
        return found, f"it is of version {found}, and {wanted} ran"
    return found, None


def certain_second(document: Document) -> Version | None:
    """Return which of 2.0 and 2.1 scored a file's routes, or None when both may have."""
    records = document.checkpoint.records
    # Only early 2.0 evaluators spell it so.
    if any("yield_emergency_vehicles_infractions" in record.infractions for record in records):
        return "2.0"
    only_20, only_21 = carla_figures.scored_by(records)
    if only_20 == only_21:
        return None
    return "2.1" if only_21 > only_20 else "2.0"


def _family(record: RouteRecord) -> str:
    is_second = record.num_infractions is not None or "min_speed_infractions" in record.infractions
    return "2" if is_second else "1"
