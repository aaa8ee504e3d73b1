"""The three questions of the demonstration, each beside what it must find."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from glue.client.find import Question

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glue.demo.fabricate import Fabricated

TIRED = 3  # of 5
WARM = 37.5  # degrees Celsius


class Asked(NamedTuple):
    """A question, and the names of the recordings that answer it."""

    question: Question
    expected: list[str]

    def command(self) -> str:
        """Return the command that asks it."""
        options = [f'--where "{where}"' for where in self.question.where]
        if self.question.since:
            options.append(f"--since {self.question.since}")
        return f"glue recordings find {' '.join(options)}"


def questions(run: str, findable: Iterable[Fabricated]) -> list[Asked]:
    """Return a numeric, a textual and a time question about this run's recordings."""
    mine = [one for one in findable if one.attributes.get("demo_run") == run]
    this_run = f"demo_run = '{run}'"
    times = sorted(one.recorded_at for one in mine if one.recorded_at)
    middle = times[len(times) // 2]

    def names(found: Iterable[Fabricated]) -> list[str]:
        return sorted(one.name for one in found)

    def number(one: Fabricated, attribute: str) -> float:
        return float(one.attributes[attribute])

    return [
        Asked(
            Question((this_run, f"subject_fatigue >= {TIRED}")),
            names(one for one in mine if number(one, "subject_fatigue") >= TIRED),
        ),
        Asked(
            Question(
                (this_run, "hardware_model contains Neuropixels", f"temperature < {WARM}"),
            ),
            names(
                one
                for one in mine
                if "Neuropixels" in str(one.attributes["hardware_model"])
                and number(one, "temperature") < WARM
            ),
        ),
        Asked(
            Question((this_run,), since=f"{middle:%Y-%m-%dT%H:%M:%SZ}"),
            names(one for one in mine if one.recorded_at and one.recorded_at >= middle),
        ),
    ]
