"""`python -m glue.uploader.readiness [SECONDS]`: the startup probe of the uploader's container.

Kubernetes begins what runs beside a sidecar once the sidecar's startup probe succeeds. Without
one a run of a second could be over before the uploader heeds the signal to end, and be lost.

The uploader holds a lock on a file of its own. A lock ends with its process: unlike the file it
cannot be left over from a container that was started before.
"""

from __future__ import annotations

import fcntl
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import FileIO

VARIABLE = "READY_FILE"
READY, NOT_READY, UNUSABLE = 0, 1, 2
USAGE = "usage: python -m glue.uploader.readiness [SECONDS], as many as the answer may take"
LOOK_SECONDS = 0.02


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
    """Answer by the exit code: 0 ready, 1 not yet after so many seconds, 2 told nonsense.

    Waiting here costs a pod less than the second that Kubernetes lets pass at least before it
    asks again.
    """
    name, seconds = os.environ.get(VARIABLE), sys.argv[1] if len(sys.argv) > 1 else "0"
    if not re.fullmatch(r"[0-9]{1,3}", seconds, re.ASCII):
        print(f"{seconds!r}: {USAGE}", file=sys.stderr)
        return UNUSABLE
    if not name:
        print(f"{VARIABLE}: write the path that the uploader was given", file=sys.stderr)
        return UNUSABLE
    try:
        deadline = time.monotonic() + int(seconds)
        while not (found := is_ready(Path(name))) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
    except OSError as error:
        print(f"{VARIABLE}: {name} cannot be read: {error}", file=sys.stderr)
        return UNUSABLE
    if not found:
        print("the uploader does not heed signals yet")
    return READY if found else NOT_READY


if __name__ == "__main__":
    sys.exit(main())
