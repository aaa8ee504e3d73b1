"""However often and late messages come: one execution for each time EvalAI asked for a run."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from glue.leaderboard.evalai.models import Status
from glue.leaderboard.names import execution_name
from glue.leaderboard.states import OPEN, State
from tests.unit.leaderboard.start.samples import (
    EvalAI,
    body_of,
    end,
    resume_of,
    start_of,
)
from tests.unit.leaderboard.store.ground import item_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from glue.leaderboard.table import SubmissionItem
    from tests.unit.leaderboard.store.ground import Ground

forms = st.sampled_from([body_of, resume_of])


class Deliveries(RuleBasedStateMachine):
    """One submission: EvalAI, which has it resumed; a queue, which repeats; steps, which end it.

    EvalAI is told of an end before the table is, as the steps do.
    """

    def __init__(self, ground: Ground, numbers: Iterator[int]) -> None:
        super().__init__()
        self.ground, self.submission = ground, next(numbers)
        self.evalai = EvalAI()
        self.start = start_of(self.ground, self.evalai)
        self.asked = 0  # how often EvalAI has asked for a run that a message told of
        self.is_told = False  # whether the last asking's message has come
        self.item: SubmissionItem | None = None  # as it is stored

    @rule(form=forms, times=st.integers(1, 3))
    def deliver(self, form: Callable[[int], str], times: int) -> None:
        if not self.is_told:
            self.asked, self.is_told = self.asked + 1, True
        for _ in range(times):
            self.start.take(form(self.submission))
        self.item = self.ground.table.find(self.submission)

    @precondition(lambda self: self.asked > 0 and not (self.item and self.item.state.is_closed))
    @rule(state=st.sampled_from(OPEN))
    def step(self, state: State) -> None:
        if self.item is None:
            self.item = self.ground.table.open(item_of(self.submission))
        if state in (State.RUNNING, State.FINISHING):
            self.evalai.statuses[self.submission] = Status.RUNNING
        elif state is State.SUBMITTED:
            return  # no step goes back there
        told = str(self.evalai.statuses.get(self.submission, Status.SUBMITTED))
        self.item = self.ground.table.move(self.item, state, evalai_status=told)

    @precondition(lambda self: self.item is not None and not self.item.state.is_closed)
    @rule(
        ending=st.sampled_from(
            [
                (State.FINISHED, Status.FINISHED),
                (State.FAILED, Status.FAILED),
                (State.CANCELLED, Status.CANCELLED),
            ]
        )
    )
    def last_step(self, ending: tuple[State, Status]) -> None:
        assert self.item is not None
        if not self.is_told:
            return
        self.evalai.statuses[self.submission] = ending[1]
        self.item = self.ground.table.move(self.item, ending[0], evalai_status=str(ending[1]))
        end(self.ground, execution_name(self.submission, self.item.attempt))

    @precondition(
        lambda self: self.evalai.statuses.get(self.submission) is Status.FAILED and self.is_told
    )
    @rule()
    def resume(self) -> None:
        self.evalai.statuses[self.submission] = Status.RESUMING
        self.is_told = False

    @invariant()
    def one_execution_for_each_asking(self) -> None:
        newest = self.start.attempts.newest(self.submission)
        assert (newest.attempt if newest else 0) == self.asked


def test_one_execution_for_each_asking(ground: Ground) -> None:
    numbers = itertools.count(1)

    class Here(Deliveries):
        def __init__(self) -> None:
            super().__init__(ground, numbers)

    run_state_machine_as_test(
        Here,
        settings=settings(max_examples=30, stateful_step_count=20),
    )
