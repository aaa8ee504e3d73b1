"""(d) What a cold start pays: import time of each handler, size of code and layer."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.measure import Figure
from tests.platform import ROOT

if TYPE_CHECKING:
    from tests.platform import Platform

ROUNDS = 9
LIMIT_MILLISECONDS = 350
LIMIT_CODE_BYTES = 1_000_000


def _milliseconds(statement: str) -> float:
    """Return the best of several starts of an interpreter that runs one statement."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True)
        best = min(best, time.perf_counter() - began)
    return best * 1000


def measure(platform: Platform) -> list[Figure]:
    """Import every handler in an interpreter of its own; weigh the packages."""
    bare = _milliseconds("pass")
    figures = [Figure("bare interpreter", f"{bare:.0f} ms")]
    for handler in sorted((ROOT / "lambdas").glob("*/handler.py")):
        name = handler.parent.name
        over = _milliseconds(f"import lambdas.{name}.handler") - bare
        figures.append(
            Figure(
                f"import of {name}", f"{over:.0f} ms", f"≤ {LIMIT_MILLISECONDS} ms",
                over <= LIMIT_MILLISECONDS,
            )
        )  # fmt: skip
    packages = json.loads((platform.build / "packages" / "local.tfvars.json").read_text())
    # The paths are written as Terraform's root sees them.
    code, layer = (
        platform.build / "packages" / "local" / Path(packages["packages"][f"{part}_path"]).name
        for part in ("code", "layer")
    )
    size = code.stat().st_size
    figures.append(
        Figure("own code", f"{size / 1000:.0f} kB", "≤ 1,000 kB", size <= LIMIT_CODE_BYTES)
    )
    figures.append(Figure("layer (this machine)", f"{layer.stat().st_size / 1e6:.1f} MB"))
    return figures
