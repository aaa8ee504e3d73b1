"""A running instance passes its status checks, and says so once a minute.

On AWS every instance reports `StatusCheckFailed` and its parts to CloudWatch, which the alarms
that reboot or recover a machine stand on. MiniStack 1.5.33 reports nothing, so these alarms
never know anything. Here each running instance reports that nothing failed: nothing boots, so
nothing can.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from glue.local.mends.guard import expect
from glue.local.mends.metrics import keep_highest
from glue.local.mends.scope import in_scope

if TYPE_CHECKING:
    from pathlib import Path

LOOK_SECONDS = 5.0
EXPECTED = {"_metric_bucket": "be62c5f1548d"}
NAMESPACE = "AWS/EC2"
CHECKS = (
    "StatusCheckFailed",
    "StatusCheckFailed_AttachedEBS",
    "StatusCheckFailed_Instance",
    "StatusCheckFailed_System",
)


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Make sure of the emulator. Raises MendError if it is another one."""
    from ministack.services import cloudwatch

    expect(cloudwatch, EXPECTED)


def report(now: float) -> None:
    """Report on every running instance of every account and region."""
    from ministack.services import cloudwatch, ec2

    for (account, region, identifier), instance in list(ec2._instances._data.items()):
        if instance["State"]["Name"] != "running":
            continue
        dimensions = {"InstanceId": identifier}
        point = {"Timestamp": now, "Value": 0.0, "Unit": "Count", "Dimensions": dimensions}
        with in_scope(account, region):
            for name in CHECKS:
                key = (NAMESPACE, name, cloudwatch._dims_key(dimensions))
                keep_highest(cloudwatch._metric_bucket(key), dict(point))


async def background() -> None:
    """Report again and again."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        report(time.time())
