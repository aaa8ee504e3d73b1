"""The results file, written the way CARLA's evaluator writes it: in place, and not atomically.

So whoever copies it meanwhile may catch it empty or half-written, as on a real run.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from glue.local.carla.scoring import board, global_record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glue.local.carla.recording import Record

# After these 1.0 calls a finished run one with errors.
_AGENT_ERROR = "Agent"


class ResultsFile:
    """The file of one evaluator, which drives `total` routes."""

    def __init__(self, path: Path, version: str, total: int, sensors: Sequence[str]) -> None:
        self.path, self.version, self.total = path, version, total
        self.records: list[Record] = []
        self.document: dict[str, Any] = {
            "_checkpoint": {"global_record": {}, "progress": [], "records": self.records},
            "entry_status": "" if version == "1.0" else "Started",
            "eligible": "" if version == "1.0" else False,
            "sensors": [],
            "values": [],
            "labels": [],
        }
        self._sensors = list(sensors)

    def clear(self) -> None:
        """Begin a run: what an earlier one wrote is gone."""
        self._write()

    def begin(self, number: int) -> None:
        """Write that a route has begun, the first being 1."""
        self._checkpoint["progress"] = [number, self.total]
        self.document |= {
            "entry_status": "Started", "eligible": False, "sensors": self._sensors
        }  # fmt: skip
        self._write()

    def add(self, record: Record) -> None:
        """Write that a route has ended."""
        self.records.append(record)
        self._write()

    def finish(self) -> None:
        """Write the result, once every route has ended."""
        overall = global_record(self.records, self.version)
        values, labels = board(overall, self.version)
        has_errors = any(_AGENT_ERROR in record["status"] for record in self.records)
        status = "Finished"
        if self.version == "1.0" and has_errors:
            status = "Finished with agent errors"
        self._checkpoint["global_record"] = overall
        self.document |= {
            "entry_status": status, "eligible": True, "values": values, "labels": labels
        }  # fmt: skip
        self._write()

    def crash(self) -> None:
        """Write that the run ends here."""
        self.document |= {"entry_status": "Crashed", "eligible": False}
        self._write()

    @property
    def _checkpoint(self) -> dict[str, Any]:
        checkpoint: dict[str, Any] = self.document["_checkpoint"]
        return checkpoint

    def _write(self) -> None:
        with self.path.open("w", encoding="utf-8") as file:
            json.dump(self.document, file, indent=4, sort_keys=self.version == "1.0")
