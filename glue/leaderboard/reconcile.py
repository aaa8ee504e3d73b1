"""The watch over submissions that got stuck; a schedule starts it.

It compares the queue, the table, the state machine, the cluster and EvalAI, mends what can be
mended without a person, and writes to the item of what cannot why that is and what to do. One
submission that makes trouble does not keep the others waiting; the run fails in the end, so that
an alarm sounds.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from glue.leaderboard import reconcile_cluster
from glue.leaderboard.evalai.errors import EvalAIBusy
from glue.leaderboard.reconcile_executions import Executions
from glue.leaderboard.reconcile_items import CLOSED_AT_EVALAI, Items, Postponed, is_untold
from glue.leaderboard.reconcile_queue import Queue
from glue.leaderboard.states import OPEN, State
from glue.leaderboard.table import Closed, Moved, Superseded
from glue.leaderboard.telemetry import count, logger
from glue.leaderboard.times import utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mypy_boto3_sqs import SQSClient

    from glue.leaderboard.reconcile_items import Deed
    from glue.leaderboard.services import Services
    from glue.leaderboard.table import SubmissionItem

    Mend = Callable[[SubmissionItem, datetime], Deed]

WATCHES_OF_GRACE = 4  # whoever is at work shows it within so many looks
SHORTEST_GRACE = 5.0  # seconds
MOST_LOOKS = 10  # at EvalAI in one run: a minute's calls are shared with all else
REMEMBERED = timedelta(days=3)  # after that somebody has heard the alarm
# EvalAI gives up a submission that it hears nothing of after two weeks.
TOLD_WITHIN = timedelta(days=14)
# Another attempt has begun, or somebody else has moved it on: a race that was lost, no trouble.
RACES = (Moved, Superseded)


class Unreconciled(Exception):  # noqa: N818 - reads as a finding
    """Some of what the reconciler tried failed; everything else was done."""

    def __init__(self, troubles: Iterable[str], counts: dict[str, int]) -> None:
        self.troubles, self.counts = tuple(troubles), counts
        super().__init__(f"{len(self.troubles)} failed: {'; '.join(self.troubles)}"[:4000])


@dataclass
class Reconcile:
    """One comparison of all that knows of a leaderboard's submissions; use it once."""

    services: Services
    queue: SQSClient
    queue_url: str
    dead_letter_queue_url: str
    counts: Counter[str] = field(default_factory=Counter)
    _troubles: list[str] = field(default_factory=list)

    @property
    def grace(self) -> float:
        """Seconds for which whatever has just changed is left alone."""
        return max(float(WATCHES_OF_GRACE * self.services.pod.watch_seconds), SHORTEST_GRACE)

    def reconcile(self, now: datetime | None = None) -> dict[str, int]:
        """Return how often what was found and done.

        Raises Unreconciled, after everything else was done, when something could not be.
        """
        now = now or datetime.fromtimestamp(self.services.clock(), UTC)
        items = Items(self.services, self.grace)
        self._try("queue", lambda: self._look_at_queue(now))
        working = [
            item
            for item in self._listed(OPEN)
            if self._mend(items, item, items.mend, now) in ("at_work", "stuck")
        ]
        recent = utc_text((now - TOLD_WITHIN).timestamp())
        for item in self._listed((State.FINISHED, State.FAILED), recent):
            if is_untold(item):
                self._mend(items, item, items.tell, now)
        self._try("executions", lambda: self._adopt_strays(items, now))
        self._ask_evalai(items, working, now)
        self._clean_cluster(now)
        stuck = sum(self.counts[name] for name in ("stuck", "unmended", "dead_letters"))
        count("SubmissionsStuck", self.services.leaderboard, stuck)
        logger.info("reconciled", extra=dict(self.counts))
        if self._troubles:
            raise Unreconciled(self._troubles, dict(self.counts))
        return dict(self.counts)

    def _look_at_queue(self, now: datetime) -> None:
        letters = Queue(self.queue, self.queue_url, self.dead_letter_queue_url).reconcile(now)
        self.counts["messages_waiting"] = letters.waiting
        self.counts["messages_in_flight"] = letters.in_flight
        self.counts["messages_revived"] = letters.revived
        self.counts["dead_letters"] = letters.given_up
        self.counts["oldest_dead_letter_seconds"] = letters.oldest_dead_seconds

    def _listed(self, states: Iterable[State], since: str = "") -> list[SubmissionItem]:
        """Return the items in some states; the index that lists them may be behind."""
        found: list[SubmissionItem] = []
        for state in states:

            def read(state: State = state) -> None:
                found.extend(self.services.table.in_state(state, since))

            self._try(f"items in state {state}", read)
        return found

    def _mend(
        self, items: Items, item: SubmissionItem, mend: Mend, now: datetime, prefix: str = ""
    ) -> str:
        """Do what an item needs; return the word for it, which is counted as well."""
        try:
            deed: Deed = mend(item, now)
        except (Closed, Superseded):
            deed = "settled"
        except Moved:
            deed = "at_work"
        except (EvalAIBusy, Postponed):
            deed = "postponed"
        except Exception as error:  # whatever it is, the other submissions are not to wait for it
            deed = "unmended"
            self._note_trouble(f"submission {item.submission}", error)
            self._try(f"submission {item.submission}", partial(items.blame, item, error))
        self.counts[prefix + deed] += 1
        return deed

    def _adopt_strays(self, items: Items, now: datetime) -> None:
        services = self.services
        executions = Executions(services.states, services.state_machine_arn)
        until = now - timedelta(seconds=self.grace)
        for stray in executions.strays(services.table, now - REMEMBERED, until):
            try:
                deed: Deed = items.adopt(stray.run, stray.why)
            except RACES:
                deed = "settled"
            except (EvalAIBusy, Postponed):
                deed = "postponed"
            except Exception as error:  # see _mend
                deed = "unmended"
                self._note_trouble(f"submission {stray.run.submission}", error)
            self.counts[deed] += 1

    def _ask_evalai(self, items: Items, working: list[SubmissionItem], now: datetime) -> None:
        """Compare some submissions that are at work with EvalAI, other ones each time."""
        known = [item for item in working if item.finding.startswith(CLOSED_AT_EVALAI)]
        others = [item for item in working if item not in known]
        chosen = random.Random(now.timestamp()).sample(others, min(MOST_LOOKS, len(others)))  # noqa: S311 - no secret
        for item in (known + chosen)[:MOST_LOOKS]:
            self._mend(items, item, items.heed, now, "evalai_")

    def _clean_cluster(self, now: datetime) -> None:
        jobs: list[reconcile_cluster.Manifest] = []
        self._try(
            "Jobs", lambda: jobs.extend(reconcile_cluster.orphans(self.services, now, self.grace))
        )
        for job in jobs:

            def delete(job: reconcile_cluster.Manifest = job) -> None:
                self.counts["jobs_deleted"] += reconcile_cluster.delete(self.services, job)

            self._try(f"Job {job['metadata']['name']}", delete)

    def _try(self, what: str, deed: Callable[[], None]) -> None:
        """Do something; what goes wrong is told in the end."""
        try:
            deed()
        except RACES:
            return
        except Exception as error:  # see _mend
            self._note_trouble(what, error)

    def _note_trouble(self, what: str, error: Exception) -> None:
        logger.exception("not reconciled", what=what)
        self._troubles.append(f"{what}: {type(error).__name__}: {error}")
