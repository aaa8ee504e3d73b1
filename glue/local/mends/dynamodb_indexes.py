"""The ceiling of an index that is paid for by request, when it is changed.

On AWS UpdateTable sets an index's OnDemandThroughput; MiniStack 1.5.33 keeps the one that the
index was made with, so that Terraform finds the same difference again and again.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {
    "_update_table": "dd1170ef031c",
    "_table_description": "e6f5cce379b8",
    "_normalize_table_name": "904f676618e4",
}
OK = 200
NO_CEILING = -1


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend the update of tables. Raises MendError if it is another emulator."""
    from ministack.services import dynamodb

    expect(dynamodb, EXPECTED)
    original = dynamodb._update_table

    def update(data: dict[str, Any]) -> Any:
        answer = original(data)
        wanted = ceilings(data)
        if answer[0] != OK or not wanted:
            return answer
        name = dynamodb._normalize_table_name(data.get("TableName"))
        for index in dynamodb._tables[name].get("GlobalSecondaryIndexes", []):
            if index["IndexName"] in wanted:
                index["OnDemandThroughput"] = wanted[index["IndexName"]]
        return dynamodb.json_response({"TableDescription": dynamodb._table_description(name)})

    dynamodb._update_table = update


def ceilings(data: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Return the ceilings that a request of UpdateTable sets, by index; -1 stands for none."""
    updates = (entry.get("Update") or {} for entry in data.get("GlobalSecondaryIndexUpdates") or [])
    return {
        update["IndexName"]: {
            name: int(update["OnDemandThroughput"].get(name, NO_CEILING))
            for name in ("MaxReadRequestUnits", "MaxWriteRequestUnits")
        }
        for update in updates
        if update.get("OnDemandThroughput")
    }
