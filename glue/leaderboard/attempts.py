"""Beginning attempts: the first by a message, later ones by a resume or an operator.

A later attempt is in the table before its execution begins. Whoever dies between the two has left
one that is `submitted` and has no execution, and whoever comes next begins just that one. A first
attempt gets into the table by its first step, since only EvalAI knows whose it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from glue.errors import Conflict
from glue.leaderboard.names import execution_arn, execution_name
from glue.leaderboard.run import Run
from glue.leaderboard.states import State
from glue.leaderboard.table import SubmissionItem

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from glue.leaderboard.table import Table

Begun = Literal["started", "running", "ended"]
AT_WORK = frozenset({"RUNNING", "PENDING_REDRIVE"})
MOST_ENDED = 50  # attempts whose executions ended without leaving a trace in the table


class Newest(NamedTuple):
    """An attempt by its execution; `given` is what that was given, as far as that is known."""

    attempt: int
    is_at_work: bool
    given: Run | None


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts at the submissions of one leaderboard: its table and its state machine."""

    table: Table
    states: SFNClient
    state_machine_arn: str

    def begin(self, run: Run) -> Begun:
        """Begin the execution of an attempt, or tell what has become of the one there is."""
        try:
            self.states.start_execution(
                stateMachineArn=self.state_machine_arn,
                name=execution_name(run.submission, run.attempt, run.part),
                input=run.model_dump_json(),
            )
        except self.states.exceptions.ExecutionAlreadyExists:
            found = self._describe(run.submission, run.attempt, run.part)
            # Step Functions shows what has just begun with a delay.
            return "running" if found is None or found["status"] in AT_WORK else "ended"
        return "started"

    def first(self, run: Run) -> tuple[int, Begun]:
        """Begin a submission that is not in the table, or find the attempt that was begun last.

        The answer is its number, and `ended` when it has ended without getting into the table.
        """
        begun = self.begin(run)
        newest = self.newest(run.submission) if begun == "ended" else None
        if newest is None:
            return run.attempt, begun
        return newest.attempt, "running" if newest.is_at_work else "ended"

    def newest(self, submission: int) -> Newest | None:
        """Return the last attempt that has an execution, None when there never was one."""
        found: Newest | None = None
        for attempt in range(1, MOST_ENDED + 1):
            execution = self._describe(submission, attempt)
            if execution is None:
                return found
            given = _given(execution) or (found.given if found else None)
            found = Newest(attempt, execution["status"] in AT_WORK, given)
        raise _too_many(submission)

    def next(
        self,
        item: SubmissionItem,
        *,
        reopen: bool = False,
        image: str | None = None,
        track: str = "",
        results_of: int | None = None,
    ) -> SubmissionItem:
        """Begin the attempt after an item's, whoever else does so at the same time.

        `image` and `track` are the item's unless they are given. With `results_of` nothing is
        run, and the stored results of that attempt are judged.
        Raises Superseded when there is an even later one.
        """
        for _ in range(MOST_ENDED):
            following = _following(item).model_copy(
                update={
                    "reopen": reopen,
                    "image": image or item.image,
                    "track": track or item.track,
                    "results_of": results_of,
                }
            )
            item = self.table.open(following)
            # An execution that ended, and an item that shows nothing of it: the table is younger
            # than the executions, as after a restored backup.
            if self.begin(run_of(item)) != "ended" or item.state is not State.SUBMITTED:
                return item
        raise _too_many(item.submission)

    def _describe(self, submission: int, attempt: int, part: int = 1) -> Any:
        name = execution_name(submission, attempt, part)
        arn = execution_arn(self.state_machine_arn, name)
        try:
            return self.states.describe_execution(executionArn=arn)
        except self.states.exceptions.ExecutionDoesNotExist:
            return None


def _given(execution: Any) -> Run | None:
    """Return what an execution was given, None when it is not to be understood."""
    try:
        return Run.model_validate_json(execution.get("input", ""))
    except ValueError:
        return None


def run_of(item: SubmissionItem) -> Run:
    """Return an item's attempt as its first step takes it, always the same for the same item."""
    return Run(
        challenge=item.challenge,
        phase=item.phase,
        submission=item.submission,
        attempt=item.attempt,
        image=item.image,
        is_static_dataset=item.is_static_dataset,
        reopen=item.reopen,
        results_of=item.results_of,
        team=str(item.team),
        track=item.track,
        next="prepare" if item.results_of is None else "finish",
    )


def _following(item: SubmissionItem) -> SubmissionItem:
    """Return the next attempt: what belongs to the submission stays, what to the attempt goes."""
    return SubmissionItem(
        team=item.team,
        submission=item.submission,
        challenge=item.challenge,
        phase=item.phase,
        attempt=item.attempt + 1,
        team_name=item.team_name,
        track=item.track,
        image=item.image,
        is_static_dataset=item.is_static_dataset,
        submitted_at=item.submitted_at,
    )


def _too_many(submission: int) -> Conflict:
    return Conflict(
        "submission",
        f"{MOST_ENDED} attempts at {submission} have ended without a trace in the table",
        "read why in the log of the function run_submission, and mend that first",
        "too_many",
    )
