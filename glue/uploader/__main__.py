"""`python -m glue.uploader KEY=FOLDER...`."""

from __future__ import annotations

import os
import sys
from contextlib import closing, nullcontext

from glue.uploader import readiness, settings
from glue.uploader.stopping import Stop
from glue.uploader.uploader import Uploader

UNUSABLE = 2


def main() -> int:
    """Send until SIGTERM; return 0 when everything was sent, 1 when not, 2 when told nonsense."""
    try:
        told = settings.read(sys.argv[1:], os.environ)
    except settings.Wrong as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    stop = Stop()
    stop.listen()
    try:
        held = closing(readiness.declare(told.ready_file)) if told.ready_file else nullcontext()
    except OSError as error:
        print(f"READY_FILE: {error}; name a file in a folder that it may write", file=sys.stderr)
        return UNUSABLE
    with held:
        return Uploader(told, stop).run()


if __name__ == "__main__":
    sys.exit(main())
