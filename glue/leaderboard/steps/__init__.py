"""The steps of a submission, as the state machine calls them.

Each takes a run and answers it with what comes next. A step may be killed at any moment and is
called again with the same run: it ends in the same place, and tells EvalAI nothing twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glue.leaderboard.steps.fail import fail
from glue.leaderboard.steps.finish import finish
from glue.leaderboard.steps.launch import launch
from glue.leaderboard.steps.prepare import prepare
from glue.leaderboard.steps.renew import renew
from glue.leaderboard.steps.watch import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from glue.leaderboard.run import Run
    from glue.leaderboard.services import Services

STEPS: Mapping[str, Callable[[Services, Run], Run]] = {
    "prepare": prepare,
    "launch": launch,
    "watch": watch,
    "finish": finish,
    "fail": fail,
    "renew": renew,
}
