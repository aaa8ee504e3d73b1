"""`python -m glue.local.kubernetes`: see server.py."""

import sys

from glue.local.kubernetes.server import main

sys.exit(main())
