"""Who holds the lock of a state, and whether they can still be at work."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil
from pydantic import BaseModel, ConfigDict, Field

OPERATIONS = {
    "OperationTypeApply": "apply",
    "OperationTypePlan": "plan",
    "OperationTypeRefresh": "refresh",
    "OperationTypeInvalid": "an operation that it does not name",
}

# Between the clock that starts a process and the one that dates a lock.
CLOCK_TOLERANCE_SECONDS = 1.0

Liveness = Literal["alive", "gone", "unknown"]


class Lock(BaseModel):
    """Who works on an environment's state, as Terraform wrote it down."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    id: str = Field(alias="ID")
    operation: str = Field(alias="Operation", default="")
    who: str = Field(alias="Who", default="")
    version: str = Field(alias="Version", default="")
    created: datetime = Field(alias="Created")
    info: str = Field(alias="Info", default="")
    # Whose state it is, by which one terraform is told from another.
    environment: str = ""
    bucket: str = ""
    endpoint: str | None = None

    @property
    def age_seconds(self) -> float:
        """How long it has been held, in seconds; never negative, though clocks may differ."""
        return max(0.0, (datetime.now(UTC) - self.created).total_seconds())

    @property
    def verb(self) -> str:
        """What the holder does, in a word that operators know."""
        return OPERATIONS.get(self.operation, self.operation or "an operation without a name")


def liveness(held: Lock) -> Liveness:
    """Tell whether a lock's holder may still be at work, as far as this machine can know.

    Only a holder on this very machine can be known to be gone: `alive` means that a terraform
    runs here that was started before the lock was taken.
    """
    if held.who.rpartition("@")[2] != socket.gethostname():
        return "unknown"
    return "alive" if any(_may_hold(process, held) for process in psutil.process_iter()) else "gone"


def _may_hold(process: psutil.Process, held: Lock) -> bool:
    """Tell whether a process may be the terraform that took a lock."""
    try:
        if process.name() != "terraform" or process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.create_time() > held.created.timestamp() + CLOCK_TOLERANCE_SECONDS:
            return False
        # A relative data folder, and the usual one, lie where the process was started.
        data = Path(process.cwd(), process.environ().get("TF_DATA_DIR") or ".terraform")
        endpoint = process.environ().get("AWS_ENDPOINT_URL") or None
        return endpoint == held.endpoint and _works_on(data, held)
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError, ValueError, KeyError):
        return True  # it does not let itself be looked at


def _works_on(data: Path, held: Lock) -> bool:
    """Tell whether a terraform with this data folder works on the state that a lock is of.

    Raises OSError, ValueError or KeyError when the folder does not say so.
    """
    try:
        text = (data / "terraform.tfstate").read_text(encoding="utf-8")
        workspace = (data / "environment").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return False  # no backend, or the default workspace: not a state of ours
    bucket = json.loads(text)["backend"]["config"]["bucket"]
    return bool(bucket == held.bucket and workspace == held.environment)


def duration(seconds: float) -> str:
    """Say a time span as people do: seconds, minutes, hours or days."""
    for size, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} seconds"
