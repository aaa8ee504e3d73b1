"""`python -m glue.uploader.readiness`: the startup probe of the uploader's container.

Kubernetes begins what runs beside a sidecar once the sidecar's startup probe succeeds. Without
one a run of a second could be over before the uploader heeds the signal to end, and be lost.

The uploader holds a lock on a file of its own. A lock ends with its process: unlike the file it
cannot be left over from a container that was started before.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import FileIO

VARIABLE = "READY_FILE"
READY, NOT_READY, UNUSABLE = 0, 1, 2


def declare(path: Path) -> FileIO:
    """Say that the uploader is ready, for as long as the returned file is open. Raises OSError."""
    held = path.open("wb", buffering=0)
    fcntl.flock(held, fcntl.LOCK_EX)
    return held


def is_ready(path: Path) -> bool:
    """Tell whether an uploader that runs has said that it is ready. Raises OSError."""
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def main() -> int:
    """Answer by the exit code: 0 ready, 1 not yet, 2 told nonsense."""
    name = os.environ.get(VARIABLE)
    if not name:
        print(f"{VARIABLE}: write the path that the uploader was given", file=sys.stderr)
        return UNUSABLE
    try:
        if is_ready(Path(name)):
            return READY
    except OSError as error:
        print(f"{VARIABLE}: {name} cannot be read: {error}", file=sys.stderr)
        return UNUSABLE
    print("the uploader does not heed signals yet")
    return NOT_READY


if __name__ == "__main__":
    sys.exit(main())
