"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from glue.errors import InputError


def print_json(document: object) -> None:
    """Print one JSON document."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str = "nothing found"
) -> None:
    """Print a table: fitted to a terminal, or in a pipe whole lines that are never cut."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not cells:
        print(empty)
    elif sys.stdout.isatty():
        _print_fitted(columns, cells)
    else:
        widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
        for row in (columns, *cells):
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print("  ".join(padded).rstrip())


def _print_fitted(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)


def say(text: str) -> None:
    """Print a remark to standard error, where it does not mix with results."""
    print(text, file=sys.stderr)


def print_error(error: InputError) -> None:
    """Print what is wrong and what to do about it."""
    say(f"error: {error.field}: {error.message}")
    say(f"  what to do: {error.remedy}")
