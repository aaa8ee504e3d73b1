"""Whether a failed attempt is tried again."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glue.local.batch.store import Resource


def is_retried(
    strategy: Resource, attempts: int, exit_code: int | None, status_reason: str, reason: str
) -> bool:
    """Decide by a job's retry strategy after `attempts` attempts, the last of which failed.

    The first condition of `evaluateOnExit` that fits decides; if none does, it is retried.
    """
    if attempts >= (strategy.get("attempts") or 1):
        return False
    for condition in strategy.get("evaluateOnExit") or ():
        code = "" if exit_code is None else str(exit_code)
        fits = (
            _fits(condition.get("onStatusReason"), status_reason)
            and _fits(condition.get("onReason"), reason)
            and _fits(condition.get("onExitCode"), code)
        )
        if fits:
            return bool(condition["action"].upper() == "RETRY")
    return True


def _fits(pattern: str | None, text: str) -> bool:
    """Tell whether a text fits a pattern, which may end with an asterisk; none fits all."""
    if pattern is None:
        return True
    escaped = pattern.lower().replace("[", "[[]").replace("?", "[?]")
    return fnmatch.fnmatchcase(text.lower(), escaped)
