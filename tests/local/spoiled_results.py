"""An evaluator whose results cannot be believed although it ends with 0; stands for its image.

`python spoiled_results.py HOW` drives all routes first. It runs as a container does: nothing of
this repository's tests is imported.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from glue.local.carla import evaluator
from glue.local.carla.recording import Recording


def spoil(path: Path, how: str) -> None:
    """Make of a good results file one with a flaw."""
    content = path.read_bytes()
    document: dict[str, Any] = json.loads(content)
    checkpoint = document["_checkpoint"]
    match how:
        case "empty":
            path.write_bytes(b"")
            return
        case "half-written":
            path.write_bytes(content[: len(content) // 2])
            return
        case "missing":
            path.unlink()
            return
        case "inconsistent":
            checkpoint["progress"] = [len(checkpoint["records"]) - 1, len(checkpoint["records"])]
        case "too-few-routes":
            checkpoint["records"] = checkpoint["records"][:-3]
            checkpoint["progress"] = [len(checkpoint["records"])] * 2
        case "wrong-version":
            records = Recording("2.0").records("", 1)
            checkpoint["records"] = records
            checkpoint["progress"] = [len(records)] * 2
        case "not-a-number":
            checkpoint["records"][0]["scores"]["score_composed"] = float("nan")
        case _:
            raise SystemExit(f"{how}: there is no such flaw")
    path.write_text(json.dumps(document))


if __name__ == "__main__":
    code = evaluator.main(["--route-seconds", "0"])
    spoil(Path(os.environ["RESULTS_FILE"]), sys.argv[1])
    sys.exit(code)
