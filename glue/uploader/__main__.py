"""`python -m glue.uploader KEY=FOLDER...`."""

from __future__ import annotations

import os
import sys

from glue.uploader import settings
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
    return Uploader(told, stop).run()


if __name__ == "__main__":
    sys.exit(main())
