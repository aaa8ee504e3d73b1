"""What has become of the execution that carries an attempt at a submission."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from glue.leaderboard.attempts import AT_WORK, run_of
from glue.leaderboard.names import execution_arn, execution_name
from glue.leaderboard.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.literals import ExecutionStatusType

    from glue.leaderboard.run import Failure, Next
    from glue.leaderboard.table import SubmissionItem, Table

MOST_PARTS = 100  # an attempt that changed executions more often than that is no attempt
MISSING = "MISSING"
ENDED_BADLY: tuple[ExecutionStatusType, ...] = ("FAILED", "TIMED_OUT", "ABORTED")
NAME = re.compile(r"submission-(?P<submission>[0-9]+)-attempt-(?P<attempt>[0-9]+)")


class Execution(NamedTuple):
    """An execution; `status` is Step Functions' word, or MISSING when there is none.

    `error` is why it ended, in its own words.
    """

    arn: str
    status: str
    begun: datetime | None = None
    error: str = ""

    @property
    def is_at_work(self) -> bool:
        """Whether somebody still takes care of the attempt."""
        return self.status in AT_WORK

    @property
    def is_missing(self) -> bool:
        """Whether nothing is known of it: never begun, or forgotten after 90 days."""
        return self.status == MISSING


class Stray(NamedTuple):
    """An attempt that nobody takes care of, and why."""

    run: Run
    why: str


class Executions:
    """The executions of one state machine, found by the names that attempts give them."""

    def __init__(self, client: SFNClient, state_machine_arn: str) -> None:
        self._client = client
        self._machine = state_machine_arn

    def newest(self, item: SubmissionItem) -> Execution:
        """Return the execution that has carried the attempt last.

        A long run goes on in further executions, whose names count the parts.
        """
        part = self._part(item)
        found = self._look(self._arn(item, part))
        while found.status == "SUCCEEDED" and part < MOST_PARTS:
            following = self._look(self._arn(item, part + 1))
            if following.is_missing:
                break
            part, found = part + 1, following
        return found

    def strays(self, table: Table, since: datetime, until: datetime) -> Iterator[Stray]:
        """Yield the attempts that ended badly between two moments and are not in the table.

        Only EvalAI knows whose a submission is, so there is no item before the first step has
        heard from it; and when nothing could be heard for hours, EvalAI heard nothing either.
        """
        for status in ENDED_BADLY:
            pages = self._client.get_paginator("list_executions").paginate(
                stateMachineArn=self._machine, statusFilter=status
            )
            for one in (one for page in pages for one in page["executions"]):
                if one["startDate"] < since:
                    break  # they come the newest first
                named = NAME.match(one["name"])
                if named is None or one.get("stopDate", until) >= until:
                    continue
                item = table.find(int(named["submission"]))
                if item is None or item.attempt < int(named["attempt"]):
                    found = self._client.describe_execution(executionArn=one["executionArn"])
                    run = Run.model_validate_json(found["input"])
                    why = f"ended as {status}"
                    error = _error(found)
                    yield Stray(
                        run.model_copy(update={"execution": one["executionArn"]}),
                        f"{why} ({error})" if error else why,
                    )

    def _part(self, item: SubmissionItem) -> int:
        """Return the part that the item's execution is, 1 when it names none of this attempt."""
        for part in range(1, MOST_PARTS + 1):
            if item.execution == self._arn(item, part):
                return part
        return 1

    def _arn(self, item: SubmissionItem, part: int) -> str:
        return execution_arn(self._machine, execution_name(item.submission, item.attempt, part))

    def _look(self, arn: str) -> Execution:
        try:
            found = self._client.describe_execution(executionArn=arn)
        except self._client.exceptions.ExecutionDoesNotExist:
            return Execution(arn, MISSING)
        return Execution(arn, found["status"], found["startDate"], _error(found))


def run_towards(
    item: SubmissionItem, following: Next, failure: Failure | None = None, arn: str | None = None
) -> Run:
    """Return an attempt on its way to a step, from what the table knows of it."""
    return run_of(item).then(following, failure=failure, execution=arn or item.execution)


def _error(found: Any) -> str:
    """Return why an execution ended; a function's error has its message within JSON."""
    error, cause = str(found.get("error") or ""), str(found.get("cause") or "")
    try:
        said = json.loads(cause)
        cause = str(said.get("errorMessage") or cause) if isinstance(said, dict) else cause
    except ValueError:
        pass
    return ": ".join(part for part in (error, cause) if part)
