"""The rights that SQS's batch calls need.

On AWS `SendMessageBatch` needs `sqs:SendMessage`, and so for the other two batch calls: no
action of IAM bears their names. MiniStack 1.5.33 asks for `sqs:SendMessageBatch`, which a
policy that is right on AWS never grants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {"_action_from_target": "c5279c8ae2ff", "_action_from_query": "fe34bab9731e"}
ACTIONS = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend the names of actions. Raises MendError if it is another emulator."""
    from ministack.core import iam_actions

    expect(iam_actions, EXPECTED)
    for name in EXPECTED:
        setattr(iam_actions, name, _renaming(getattr(iam_actions, name)))


def _renaming(original: Any) -> Any:
    def rename(*arguments: Any, **named: Any) -> Any:
        found = original(*arguments, **named)
        return ACTIONS.get(found, found)

    return rename
