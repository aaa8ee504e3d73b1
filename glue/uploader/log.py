"""What the uploader says: lines on its output that nobody else's names can break or forge."""

from __future__ import annotations

_LONGEST_NAME = 120  # characters


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def show(name: str) -> str:
    """Return somebody's name as printable ASCII in quotes, cut in the middle when it is long."""
    text = ascii(name)
    if len(text) <= _LONGEST_NAME:
        return text
    half = _LONGEST_NAME // 2
    return f"{text[:half]}...{text[-half:]}"
