"""The demonstration of leaderboards: five submissions, each told from its message to its end.

Two run to their end, one crashes, one hangs until its participant cancels it, and one waits for a
GPU that comes late. What each must come to is checked in the table, in S3 and at EvalAI.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from glue.demo.leaderboards_check import check
from glue.demo.story import DemonstrationError
from glue.leaderboard.evalai.models import UNDER_WAY
from glue.leaderboard.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from glue.demo.leaderboards_ground import Ground, Team
    from glue.leaderboard.table import SubmissionItem

    Until = Callable[[Sequence["Entry"]], bool]

POLL_SECONDS = 0.1
LONGEST_REASON = 110  # characters of a reason in a line of the story
SCORE = "driving_score"


@dataclass
class Entry:
    """A submission of the story, and what it must come to.

    `seen` are the states that it was seen in, with the words for their reasons.
    """

    what: str
    team: Team
    track: str
    image: str
    ends_as: State
    is_cancelled: bool = False
    is_late: bool = False
    submission: int = 0
    item: SubmissionItem | None = None
    seen: list[tuple[State, str]] = field(default_factory=list)
    cancel_sent: bool = False

    @property
    def leaderboard(self) -> str:
        """The leaderboard that the track belongs to."""
        return self.track.rpartition("-")[0]

    @property
    def is_closed(self) -> bool:
        """Whether nothing more happens to it."""
        return self.item is not None and self.item.state.is_closed


class LeaderboardsStory:
    """One run of the demonstration; `patience` is how long, in seconds, it may take."""

    def __init__(self, console: Console, ground: Ground, patience: float) -> None:
        self._console = console
        self._ground = ground
        self._patience = patience
        self._began = time.monotonic()

    def tell(self) -> None:
        """Go through the whole story; raises DemonstrationError at the first surprise."""
        entries = self._cast()
        self._step("five submissions to two leaderboards; EvalAI sends them with its own key")
        try:
            self._ground.lack_gpus(0)
            self._begin(entries)
        finally:
            self._ground.lack_gpus(None)
        self._step("the GPUs come")
        self._follow(entries, self._all_closed)
        self._step("what became of them, in the table, in S3 and at EvalAI")
        for entry in entries:
            check(self._ground, entry)
        self._close(entries)

    def _cast(self) -> list[Entry]:
        one, two, three = self._ground.teams[:3]
        done, lost, gone = State.FINISHED, State.FAILED, State.CANCELLED
        old, new = "leaderboard-10-SENSORS", "leaderboard-20-SENSORS"
        return [
            Entry("waits for a GPU", three, "leaderboard-10-MAP", "agent", done, is_late=True),
            Entry("CARLA 1.0", one, old, "agent", done),
            Entry("CARLA 2.0", two, new, "agent", done),
            Entry("crashes", two, old, "agent-that-crashes", lost),
            Entry("hangs, is cancelled", three, new, "agent-that-hangs", gone, is_cancelled=True),
        ]

    # --- the steps ------------------------------------------------------------------------

    def _begin(self, entries: Sequence[Entry]) -> None:
        """Submit the late one while there is no GPU, and the others once it is seen to wait."""
        late = [entry for entry in entries if entry.is_late]
        self._submit(late)
        self._follow(late, lambda known: all(_waits_for_gpu(entry) for entry in known))
        self._submit([entry for entry in entries if not entry.is_late])

    def _submit(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            entry.submission = self._ground.submit(entry.team, entry.track, entry.image)
            self._say(entry, f"submitted by {entry.team.name} for {entry.track}: {entry.what}")

    def _follow(self, entries: Sequence[Entry], is_over: Until) -> None:
        """Tell every change of state until all is as it is waited for."""
        deadline = time.monotonic() + self._patience
        while not is_over(entries):
            for entry in entries:
                if not entry.is_closed:
                    self._look(entry)
            if time.monotonic() > deadline:
                states = {
                    entry.submission: f"{entry.item.state} {entry.item.reason}"
                    if entry.item
                    else "unknown"
                    for entry in entries
                }
                raise DemonstrationError(
                    "leaderboards", f"after {self._patience:.0f} s they stand at {states}"
                )
            time.sleep(POLL_SECONDS)

    def _look(self, entry: Entry) -> None:
        item = self._ground.item(entry.leaderboard, entry.submission)
        if item is None:
            return
        entry.item = item
        now = (item.state, item.reason_code)
        if not entry.seen or entry.seen[-1] != now:
            entry.seen.append(now)
            self._say(entry, _sentence(item))
        if entry.is_cancelled and item.state is State.RUNNING:
            self._cancel(entry)

    def _cancel(self, entry: Entry) -> None:
        """Cancel as a participant does: once EvalAI shows that it runs, and until it is cancelled.

        EvalAI checks no transitions: what it is told at that very moment overwrites a cancel.
        """
        if self._ground.held(entry.submission)["status"] not in UNDER_WAY:
            return
        self._ground.cancel(entry.team, entry.submission)
        again = " again: EvalAI was told of progress at that moment" if entry.cancel_sent else ""
        entry.cancel_sent = True
        self._say(entry, f"{entry.team.name} cancels it{again}")

    @staticmethod
    def _all_closed(entries: Sequence[Entry]) -> bool:
        return all(entry.is_closed for entry in entries)

    def _close(self, entries: Sequence[Entry]) -> None:
        table = Table(title="Submissions of this run", title_justify="left", box=SIMPLE_HEAD)
        for column in (
            "submission", "team", "track", "state", "EvalAI", "objects", "driving score", "reason",
        ):  # fmt: skip
            table.add_column(column, no_wrap=column != "reason")
        for entry in sorted(entries, key=lambda entry: entry.submission):
            item = entry.item
            if item is None:
                continue
            score = item.metrics.get(SCORE)
            table.add_row(
                str(entry.submission), entry.team.name, entry.track, item.state.value,
                self._ground.held(entry.submission)["status"],
                str(len(self._ground.keys(entry.leaderboard, entry.submission))),
                "" if score is None else f"{score:.3f}", item.reason,
            )  # fmt: skip
        self._console.print()
        self._console.print(table)
        for track in sorted({entry.track for entry in entries}):
            self._board(track)

    def _board(self, track: str) -> None:
        table = Table(title=f"Board of {track}", title_justify="left", box=SIMPLE_HEAD)
        for column in ("place", "team", "submission", "driving score", "route completion"):
            table.add_column(column, no_wrap=True)
        for place, row in enumerate(self._ground.board(track), start=1):
            accuracies = row["accuracies"]
            table.add_row(
                str(place), row["team_name"], str(row["submission"]),
                f"{accuracies['Driving score']:.3f}", f"{accuracies['Route completion']:.3f}",
            )  # fmt: skip
        self._console.print(table)

    # --- telling --------------------------------------------------------------------------

    def _step(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/bold]", highlight=False, soft_wrap=True)

    def _say(self, entry: Entry, text: str) -> None:
        seconds = time.monotonic() - self._began
        self._console.print(
            f"  {seconds:6.1f} s  submission {entry.submission:<4} {text}",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


def _waits_for_gpu(entry: Entry) -> bool:
    return (State.WAITING, "no_gpu_node") in entry.seen


def _sentence(item: SubmissionItem) -> str:
    """Return where a submission stands, with the reason where there is one."""
    done = f", {item.routes_done} of {item.routes_expected} routes" if item.routes_done else ""
    why = f": {item.reason}" if item.reason else ""
    return f"{item.state}{done}{why}"[:LONGEST_REASON]
