"""Whatever comes in whatever order: older attempts change nothing, what is closed stays closed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from glue.leaderboard.states import State
from glue.leaderboard.table import Closed, Moved, Superseded
from tests.unit.leaderboard.store.ground import item_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.leaderboard.table import SubmissionItem
    from tests.unit.leaderboard.store.ground import Ground

attempts = st.integers(1, 4)
states = st.sampled_from(State)
reasons = st.text(max_size=5)


class Transitions(RuleBasedStateMachine):
    """Steps of several attempts, each with what it knew of the item when it began."""

    def __init__(self, ground: Ground, numbers: Iterator[int]) -> None:
        super().__init__()
        self.clock, self.table = ground.clock, ground.table
        self.submission = next(numbers)
        self.held: SubmissionItem | None = None  # what has to be stored, without its time

    @initialize(attempt=attempts)
    def begin(self, attempt: int) -> None:
        self.open(attempt, "")

    @rule(attempt=attempts, reason=reasons)
    def open(self, attempt: int, reason: str) -> None:
        item = item_of(self.submission, attempt=attempt, reason=reason)
        try:
            stored = self.table.open(item)
        except Superseded as superseded:
            self.check_superseded(attempt, superseded.item)
            return
        if self.held is None or self.held.attempt < attempt:
            self.held = stored
        assert stored == self.held

    @rule(attempt=attempts, state=states, reason=reasons)
    def move(self, attempt: int, state: State, reason: str) -> None:
        assert self.held is not None
        self.clock.now += 1
        step = item_of(
            self.submission, attempt=attempt, state=State.RUNNING
        )  # what it knew may be old
        try:
            stored = self.table.move(step, state, reason=reason)
        except Superseded:
            assert attempt != self.held.attempt
        except Closed as closed:
            self.check_closed(attempt, state, closed.item)
        else:
            assert attempt == self.held.attempt
            assert not self.held.state.is_closed or state is self.held.state
            assert (stored.state, stored.reason) == (state, reason)
            self.held = stored

    @rule(attempt=attempts, finding=reasons)
    def note(self, attempt: int, finding: str) -> None:
        assert self.held is not None
        self.clock.now += 1
        try:
            stored = self.table.note(item_of(self.submission, attempt=attempt), finding=finding)
        except Superseded:
            assert attempt != self.held.attempt
        except Closed as closed:
            self.check_refused(attempt, closed.item)
            assert self.held.state.is_closed
        else:
            assert not self.held.state.is_closed
            self.check_unmoved(attempt, stored)

    @rule(attempt=attempts, finding=reasons)
    def amend(self, attempt: int, finding: str) -> None:
        assert self.held is not None
        self.clock.now += 1
        try:
            stored = self.table.amend(item_of(self.submission, attempt=attempt), finding=finding)
        except Superseded:
            assert attempt != self.held.attempt
        else:
            self.check_unmoved(attempt, stored)

    @rule(attempt=attempts, state=states, finding=reasons)
    def remark(self, attempt: int, state: State, finding: str) -> None:
        assert self.held is not None
        self.clock.now += 1
        seen = item_of(self.submission, attempt=attempt, state=state)
        try:
            stored = self.table.remark(seen, finding=finding)
        except Superseded:
            assert attempt != self.held.attempt
        except Moved as moved:
            self.check_refused(attempt, moved.item)
            assert state is not self.held.state
        else:
            assert state is self.held.state
            self.check_unmoved(attempt, stored)

    def check_refused(self, attempt: int, now: SubmissionItem) -> None:
        assert self.held is not None
        assert attempt == self.held.attempt
        assert now == self.held

    def check_unmoved(self, attempt: int, stored: SubmissionItem) -> None:
        assert self.held is not None
        assert attempt == self.held.attempt
        assert stored.state is self.held.state
        self.held = stored

    def check_superseded(self, attempt: int, now: SubmissionItem | None) -> None:
        assert self.held is not None
        assert self.held.attempt > attempt
        assert now == self.held

    def check_closed(self, attempt: int, state: State, now: SubmissionItem) -> None:
        self.check_refused(attempt, now)
        assert self.held is not None
        assert self.held.state.is_closed
        assert state is not self.held.state

    @invariant()
    def the_table_holds_just_that(self) -> None:
        if self.held is not None:
            assert self.table.find(self.submission) == self.held


def test_any_order(ground: Ground) -> None:
    numbers = itertools.count(1)

    class Here(Transitions):
        def __init__(self) -> None:
            super().__init__(ground, numbers)

    run_state_machine_as_test(
        Here,
        settings=settings(max_examples=30, stateful_step_count=20),
    )
