"""`glue leaderboard parse`: may a results file be trusted, and what does it say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glue.cli.output import print_json, print_table, say
from glue.errors import InputError

if TYPE_CHECKING:
    from glue.leaderboard.results.parsed import Parsed

SOME_UNTRUSTED = 2


def parse(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Results files.")],
    routes: Annotated[
        int | None,
        typer.Option(min=1, help="How many routes times repetitions each file must have."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Say of results files whether they may be trusted, and what to tell EvalAI.

    CARLA leaderboard 1.0, 2.0 and 2.1, and the generic format. A file that is empty or
    half-written is "not yet", and no error. Exit code 0: every file is trusted, 2: not every
    one, 1: a file could not be read.
    """
    verdicts = {file: _verdict(file, routes) for file in files}
    if as_json:
        print_json([_row(file, parsed) for file, parsed in verdicts.items()])
    else:
        _print(verdicts)
    if not all(parsed.trusted for parsed in verdicts.values()):
        raise typer.Exit(SOME_UNTRUSTED)


def _verdict(file: Path, routes: int | None) -> Parsed:
    from glue.leaderboard.results.carla import judge
    from glue.leaderboard.results.generic import FORMAT, judge_generic
    from glue.leaderboard.results.parsed import Parsed
    from glue.leaderboard.results.reading import read_object

    try:
        document = read_object(file.read_bytes())
    except OSError as error:
        raise InputError(
            str(file),
            f"it cannot be read: {error.strerror or error}",
            "give the path of a results file",
            "unreadable",
        ) from error
    if isinstance(document, Parsed):
        return document
    if document.get("format") == FORMAT:
        return judge_generic(document, routes)
    return judge(document, routes)


def _row(file: Path, parsed: Parsed) -> dict[str, Any]:
    from glue.leaderboard.results.evalai import result_text

    return {
        "file": str(file),
        "version": parsed.version,
        "trusted": parsed.trusted,
        "outcome": parsed.outcome,
        "reason": parsed.reason,
        "entry_status": parsed.entry_status,
        "routes_done": parsed.routes_done,
        "routes_expected": parsed.routes_expected,
        "metrics": parsed.metrics,
        "interim": parsed.interim,
        "failures": [{"route": route, "status": status} for route, status in parsed.failures],
        "remarks": list(parsed.remarks),
        "result": result_text(parsed.metrics, labels=tuple(parsed.metrics))
        if parsed.trusted
        else None,
    }


def _print(verdicts: dict[Path, Parsed]) -> None:
    print_table(
        ("file", "version", "trusted", "routes", "reason"),
        [
            (
                file,
                parsed.version or "-",
                "yes" if parsed.trusted else "no",
                f"{parsed.routes_done}/{parsed.routes_expected or '?'}",
                parsed.reason,
            )
            for file, parsed in verdicts.items()
        ],
    )
    for file, parsed in verdicts.items():
        if parsed.trusted:
            print(f"\n{file}")
            print_table(
                ("metric", "value"),
                [(label, f"{value:.6g}") for label, value in parsed.metrics.items()],
            )
        for remark in parsed.remarks:
            say(f"{file}: note: {remark}")
