"""An evaluator that writes down when it ends; stands for its image in a benchmark.

`python stamped_evaluator.py FILE`: seconds since 1970 go there.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from glue.local.carla import evaluator

if __name__ == "__main__":
    code = evaluator.main(["--route-seconds", "0"])
    Path(sys.argv[1]).write_text(str(time.time()))
    sys.exit(code)
