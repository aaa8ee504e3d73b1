"""The states of a submission on our side, one vocabulary for table, functions and commands."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a submission stands; EvalAI's own statuses are another thing."""

    SUBMITTED = "submitted"  # an attempt was asked for, nothing has been done yet
    PREPARING = "preparing"
    LAUNCHING = "launching"
    WAITING = "waiting"  # its pod does not run yet; the reason says for what it waits
    RUNNING = "running"
    FINISHING = "finishing"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_closed(self) -> bool:
        """Whether nothing more happens to this attempt."""
        return self in CLOSED


CLOSED = frozenset({State.FINISHED, State.FAILED, State.CANCELLED})
OPEN = tuple(state for state in State if state not in CLOSED)
