"""What a rehearsal has to tell: step by step, with seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from glue.rehearsal.verbs import Outcome


@dataclass
class Told:
    """One step: what it took, in seconds, what was seen, and which verbs were run for it."""

    name: str
    title: str
    seconds: float = 0.0
    is_ok: bool = False
    found: list[str] = field(default_factory=list)
    commands: list[Outcome] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the step for programs."""
        return {
            "name": self.name,
            "title": self.title,
            "seconds": round(self.seconds, 1),
            "ok": self.is_ok,
            "found": self.found,
            "commands": [outcome.to_dict() for outcome in self.commands],
        }


@dataclass
class Report:
    """A whole rehearsal. `failure` is the error that ended it early, as `to_dict` gives it."""

    steps: list[Told] = field(default_factory=list)
    seconds: float = 0.0
    failure: dict[str, str] | None = None

    @property
    def is_ok(self) -> bool:
        """Whether every step went as it should."""
        return self.failure is None and all(step.is_ok for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Return the report for programs."""
        return {
            "ok": self.is_ok,
            "seconds": round(self.seconds, 1),
            "steps": [step.to_dict() for step in self.steps],
            "failure": self.failure,
        }

    def to_table(self) -> Table:
        """Return the closing table for people."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        table = Table(title="The rehearsal", title_justify="left", box=SIMPLE_HEAD)
        table.add_column("step", no_wrap=True)
        table.add_column("seconds", justify="right", no_wrap=True)
        table.add_column("verbs", justify="right", no_wrap=True)
        table.add_column("seen", overflow="fold")
        for step in self.steps:
            seen = step.found[-1] if step.found else ""
            table.add_row(
                step.name,
                f"{step.seconds:.1f}",
                str(len(step.commands) or ""),
                seen if step.is_ok else f"[bold red]failed[/bold red] {seen}".rstrip(),
            )
        table.add_section()
        verbs = sum(len(step.commands) for step in self.steps)
        table.add_row("all of it", f"{self.seconds:.1f}", str(verbs), "")
        return table
