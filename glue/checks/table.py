"""A report for people: by subject, failures first, each with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.checks.report import SEVERITIES, STATUSES

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from glue.checks.report import Report, Result, Status

WORDS: dict[Status, str] = {
    "fail": "FAIL",
    "not_covered": "not covered",
    "simulated": "simulated",
    "pass": "pass",
}
STYLES: dict[Status, str] = {
    "fail": "bold red",
    "not_covered": "yellow",
    "simulated": "cyan",
    "pass": "green",
}


def print_report(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Print a report: subjects with failures first, what is good in one line per subject.

    What an emulator cannot show is told in one line for each kind of check. With `verbose` every
    check is printed. Nothing is cut when the console is no terminal.
    """
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    subjects = sorted(
        dict.fromkeys(one.subject for one in report.checks),
        key=lambda name: (min(_order(c) for c in report.checks if c.subject == name), name),
    )
    for subject in subjects:
        mine = sorted((c for c in report.checks if c.subject == subject), key=lambda c: c.rank)
        counts = Text(f"{subject}  ", style="bold")
        for status in STATUSES:
            if number := sum(c.status == status for c in mine):
                counts.append(f"{number} {WORDS[status]}  ", style=STYLES[status])
        console.print(counts)
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for alike in _alike(mine, verbose=verbose):
            one = alike[0]
            word = f"{WORDS[one.status]} {one.severity if one.status == 'fail' else ''}"
            table.add_row(Text(word, style=STYLES[one.status]), _words(alike))
        if table.row_count:
            console.print(Padding(table, (0, 0, 0, 2), expand=False))
    console.print(summary_line(report), highlight=False)


def summary_line(report: Report) -> str:
    """Return the last line: counts by status, failures by severity, seconds."""
    counts = ", ".join(f"{number} {WORDS[s]}" for s, number in report.counts.items() if number)
    gravity = ", ".join(
        f"{number} {severity}"
        for severity in SEVERITIES
        if (number := sum(one.severity == severity for one in report.failed))
    )
    text = f"{report.environment} ({report.target}): {len(report.checks)} checks: {counts or '0'}"
    return f"{text}{f' ({gravity})' if gravity else ''}, {report.seconds:.1f} s"


def _order(one: Result) -> tuple[int, int]:
    """Return the place of a subject: where something failed it comes first."""
    return (0, SEVERITIES.index(one.severity)) if one.status == "fail" else (1, 0)


def _alike(results: list[Result], *, verbose: bool) -> list[list[Result]]:
    """Return what is printed in a line each: what neither failed nor passed is told by its kind."""
    if verbose:
        return [[one] for one in results]
    groups: dict[tuple[str, ...], list[Result]] = {}
    for one in results:
        if one.status == "fail":
            groups[one.status, one.id] = [one]
        elif one.status != "pass":
            groups.setdefault((one.status, one.id.partition(":")[0]), []).append(one)
    return list(groups.values())


def _words(alike: list[Result]) -> Text:
    from rich.text import Text

    one = alike[0]
    if one.status != "fail":
        name = one.id if len(alike) == 1 else f"{one.id.partition(':')[0]} ({len(alike)})"
        return Text(name).append(f"  {one.found}", style="dim")
    words = Text(one.id, style="bold")
    for label, text in (
        ("expected", one.expected), ("found", one.found), ("what to do", one.remedy),
    ):  # fmt: skip
        words.append(f"\n  {label:12}", style="dim").append(text)
    return words
