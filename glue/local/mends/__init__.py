"""What MiniStack 1.5.33 lacks or does otherwise than AWS, one subject in each file.

Every mend first makes sure that the parts of the emulator it touches are those it was
written for, and refuses to start otherwise: a mend on another version would fail quietly.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING

from glue.local.mends.guard import MendError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from typing import Any

VERSION = "1.5.33"

# Modules of this package. Each has `apply(home)`, called before the emulator serves, and may
# have `background()`, a coroutine that runs as long as the emulator does.
SUBJECTS = (
    "answers",
    "connections",
    "saving",
    "global_conditions",
    "iam_users",
    "sqs_actions",
    "s3_bodies",
    "s3_digests",
    "s3_uploads",
    "s3_conditions",
    "alarms",
    "alarm_metrics",
    "api_callers",
    "lambda_platform",
    "metrics",
    "lambda_layers",
    "lambda_isolation",
    "lambda_errors",
    "states_machines",
    "states_executions",
    "states_tasks",
    "event_rules",
    "batch",
    "route53",
    "ec2_security_groups",
    "ec2_flow_logs",
    "ec2_endpoints",
    "ec2_interfaces",
    "ec2_addresses",
    "ec2_images",
    "ec2_instances",
    "ec2_status_checks",
    "dynamodb_indexes",
    "ecr_replication",
    "redshift",
    "cloudfront",
    "iam_credentials",
    "autoscaling_groups",
    "eks_clusters",
    "eks_node_groups",
    "eks_endpoint",
    "eks_security_groups",
    "tagging",
)

__all__ = ["SUBJECTS", "VERSION", "MendError", "apply_all"]


def apply_all(home: Path) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """Apply every mend and return those that have work to do while the emulator runs.

    Raises MendError if the emulator is not the one they were made for.
    """
    found = metadata.version("ministack")
    if found != VERSION:
        raise MendError(f"these mends are for ministack {VERSION}, found {found}")
    background = []
    for subject in SUBJECTS:
        mend = import_module(f"{__name__}.{subject}")
        mend.apply(home)
        if hasattr(mend, "background"):
            background.append(mend.background)
    return background
