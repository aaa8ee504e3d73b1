"""What the stand-in evaluator plays back: the routes of a run that somebody recorded."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

from glue.local.carla.scoring import rescore

Record = dict[str, Any]

FOLDER = Path(__file__).parent / "data"
# Evaluator's version -> the recording it is played back from. Nobody has published one of 2.1.
RECORDINGS = {"1.0": "carla-1.0.json", "2.0": "carla-2.0.json", "2.1": "carla-2.0.json"}
_PART = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", re.ASCII)


class Unfit(Exception):  # noqa: N818 - reads as a finding
    """What is asked for cannot be played back; the message says why."""


class Recording:
    """A recorded run of one version of the evaluator."""

    def __init__(self, version: str) -> None:
        if version not in RECORDINGS:
            raise Unfit(f"CARLA_VERSION: {version!r} is none of {', '.join(RECORDINGS)}")
        self.version = version
        document = json.loads((FOLDER / RECORDINGS[version]).read_text(encoding="utf-8"))
        self.sensors: list[str] = document["sensors"]
        self._records: list[Record] = document["_checkpoint"]["records"]

    def records(self, subset: str = "", repetitions: int = 1) -> list[Record]:
        """Return the records of the routes in `subset`, as the evaluator would write them.

        The routes are in its order: by number, all repetitions of one before the next. Raises
        Unfit when the subset is no subset, or has routes that were not recorded.
        """
        chosen = range(len(self._records)) if not subset else self._numbers(subset)
        played: list[Record] = []
        for number in chosen:
            for repetition in range(repetitions):
                record = copy.deepcopy(self._records[number])
                if self.version != "1.0" or repetitions > 1:
                    record["route_id"] = f"RouteScenario_{number}_rep{repetition}"
                record["index"] = len(played)
                played.append(rescore(record) if self.version == "2.1" else record)
        return played

    def _numbers(self, subset: str) -> list[int]:
        """Return the routes of a list such as `0-11,14`."""
        numbers: set[int] = set()
        for part in subset.split(","):
            match = _PART.fullmatch(part.strip())
            if match is None:
                raise Unfit(f"ROUTES_SUBSET: {part!r} is no route as in 3 or 0-17")
            first, last = int(match[1]), int(match[2] or match[1])
            # The evaluator of 1.0 refuses a range of one route; here it is seen before the GPU.
            if last < first or (self.version == "1.0" and match[2] and first == last):
                raise Unfit(f"ROUTES_SUBSET: {part!r} is no range; write one route as {last}")
            if last >= len(self._records):
                raise Unfit(
                    f"ROUTES_SUBSET: {part!r}: the recording has routes 0 to "
                    f"{len(self._records) - 1}"
                )
            numbers.update(range(first, last + 1))
        return sorted(numbers)
