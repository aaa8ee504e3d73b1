"""The verdict on a results file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from glue.leaderboard.results.carla_document import Document, RouteRecord

Version = Literal["1.0", "2.0", "2.1"]
# trusted: complete and consistent. not_yet: the evaluator may still be writing. unusable: it has
# ended, or something else wrote the file, and waiting will not help.
Outcome = Literal["trusted", "not_yet", "unusable"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a results file says, and how far it may be believed.

    `metrics` has EvalAI's labels in their order, and is empty unless the file is trusted.
    `interim` has the same labels and is computed from the finished routes, as if those still to
    come scored nothing: for a board that shows a run in progress, never for its end.
    `failures` names the routes that were not completed, from the routes themselves.
    `remarks` says what is odd about the file and does not make it wrong.
    """

    outcome: Outcome
    reason: str
    version: Version | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    interim: dict[str, float] = field(default_factory=dict)
    routes_done: int = 0
    routes_expected: int | None = None
    entry_status: str = ""
    failures: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    document: Document | None = None

    @property
    def trusted(self) -> bool:
        """Whether the metrics may be reported as the result."""
        return self.outcome == "trusted"

    @property
    def records(self) -> tuple[RouteRecord, ...]:
        """The routes of a CARLA file, in its order; empty for other files."""
        return self.document.checkpoint.records if self.document else ()


def show(value: object, longest: int = 60) -> str:
    """Return somebody's value fit for a message: printable ASCII, one short line."""
    text = ascii(value)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
