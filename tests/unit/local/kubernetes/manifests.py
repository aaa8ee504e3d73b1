"""A submission's Job whose containers are small programs."""

from __future__ import annotations

from typing import Any

from glue.leaderboard.kubernetes.job import render
from glue.leaderboard.kubernetes.values import Container, Mount, Resources
from tests.unit.leaderboard.kubernetes.samples import RESULTS, job_values

Manifest = dict[str, Any]

SEND = (
    "import glob, os, pathlib, signal, sys, time\n"
    "from glue.uploader import readiness\n"
    "def end(*_):\n"
    "    print('sent', sorted(os.path.basename(p) for p in glob.glob(sys.argv[1] + '/*')))\n"
    "    sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, end)\n"
    "held = readiness.declare(pathlib.Path(os.environ['READY_FILE']))\n"
    "print('ready', flush=True)\n"
    "while True: time.sleep(0.01)"
)
SIMULATE = "import time\nprint('world', flush=True)\nwhile True: time.sleep(0.01)"
PREPARE = "import sys\nopen(sys.argv[1] + '/routes.xml', 'w').write('routes')"
DRIVE = (
    "import os, sys\n"
    "text = open(os.environ['ROUTES']).read()\n"
    "open(sys.argv[1].partition('=')[2], 'w').write(text)\n"
    "print('driven', text)"
)
# Before anything else: wait for `Standing.let_go`.
WHEN_TOLD = (
    "import pathlib, sys, time\n"
    "told = pathlib.Path(sys.argv[1].partition('=')[2] or sys.argv[1]).with_name('.told')\n"
    "while not told.exists(): time.sleep(0.01)\n"
)
FOREVER = "import time\nprint('on', flush=True)\nwhile True: time.sleep(0.01)"
SMALL = Resources(cpu_millis=500, memory_mib=128, disk_gib=1)


def manifest(name: str, drive: str = DRIVE, **changes: Any) -> Manifest:
    """A submission's Job whose containers are small programs of this test."""
    sample = job_values()
    main = Container(
        name="agent", image="000000000000.dkr.ecr.us-east-1.amazonaws.com/agent:1",
        arguments=(drive, "--out=/results/result.json"),
        variables={"ROUTES": "/results/routes.xml"},
        resources=Resources(cpu_millis=500, memory_mib=128, disk_gib=1, gpus=1), mounts=(RESULTS,),
    )  # fmt: skip
    values: dict[str, Any] = {
        "name": name,
        "uploader": sample.uploader.model_copy(
            update={"arguments": (SEND, "/results"), "image": "uploader:1"}
        ),
        "preparation": (
            Container(name="contents", image="contents:1", arguments=(PREPARE, "/results"),
                      resources=SMALL, mounts=(Mount(volume="results", path="/results"),)),
        ),
        "sidecars": (
            Container(name="simulator", image="simulator:1", arguments=(SIMULATE,),
                      resources=SMALL),
        ),
        "main": (main,),
        "run_seconds": 6 * 60 * 60,
        "waiting_seconds": 6 * 60 * 60,
        "grace_seconds": 3000,
    }  # fmt: skip
    return render(job_values(**(values | changes)))
