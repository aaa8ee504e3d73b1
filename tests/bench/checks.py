"""(g) The deployment checks of the whole platform; the peer is the same subjects one by one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.bench.measure import Figure

if TYPE_CHECKING:
    from tests.platform import Platform

ROUNDS = 3
# Side by side may be no slower than one after another, whatever else the machine does.
LIMIT = 1.0


def _check(platform: Platform, *subjects: str) -> dict[str, Any]:
    """Run the checks and return their report; findings are none of a benchmark's business."""
    chosen = [word for name in subjects for word in ("--subject", name)]
    printed = platform.glue("check", "local", "--json", *chosen, check=False).stdout
    report: dict[str, Any] = json.loads(printed)
    return report


def measure(platform: Platform) -> list[Figure]:
    """Ask everything at once, then each subject alone, by turns."""
    together, alone = [], []
    for _ in range(ROUNDS):
        report = _check(platform)
        together.append(report["seconds"])
        subjects = sorted({check["subject"] for check in report["checks"]})
        alone.append(sum(_check(platform, name)["seconds"] for name in subjects))
    ratio = min(together) / min(alone)
    counts = ", ".join(f"{number} {status}" for status, number in report["counts"].items())
    return [
        Figure("checks", f"{len(report['checks'])} in {len(subjects)} subjects: {counts}"),
        Figure("all at once", f"{min(together):.1f} s"),
        Figure("one subject after another", f"{min(alone):.1f} s"),
        Figure("at once over one after another", f"{ratio:.2f} x", f"≤ {LIMIT:.2f} x",
               ratio <= LIMIT),
    ]  # fmt: skip
