"""What a container is told in its environment, and the numbers of routes in a text."""

from __future__ import annotations

import os
import re
import sys

_NUMBERS = re.compile(r"(?:RouteScenario_)?([0-9]{1,6})(?:_rep[0-9]+)?", re.ASCII)


def word(name: str, default: str | None = None) -> str:
    """Return a variable. Exits with 2 and says so when it is missing."""
    found = os.environ.get(name, "") or default
    if found is None:
        raise SystemExit(_refusal(f"{name}: it is not set"))
    return found


def whole(name: str, default: int, most: int) -> int:
    """Return a variable as a whole number from 1 to `most`. Exits with 2 when it is none."""
    text = word(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not 1 <= int(text) <= most:
        raise SystemExit(_refusal(f"{name}: {text!r} is no whole number from 1 to {most}"))
    return int(text)


def port(name: str, default: int) -> int:
    """Return a variable as a port. Exits with 2 when it is none."""
    return whole(name, default, 65535)


def route_numbers(text: str) -> frozenset[int]:
    """Return the routes' numbers in a list such as `3,16` or a name as RouteScenario_3_rep0."""
    return frozenset(
        int(match[1]) for part in text.split(",") if (match := _NUMBERS.fullmatch(part.strip()))
    )


def _refusal(text: str) -> int:
    print(text, file=sys.stderr, flush=True)
    return 2
