"""The calls to EvalAI, of which none closes a submission twice or reopens a closed one.

EvalAI checks no transitions: a late FINISHED overwrites a participant's `cancelled`, and a late
RUNNING a result. So each telling looks at the submission first and says nothing to a closed one.
That leaves the moment between the look and the telling, which EvalAI's interface cannot close.

What is tried again, within the caller's patience: looking, and telling the very same final
content, each time after another look (an answer may have been lost after the change was made).
Interim results are told once: the next ones come soon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import stamina

from glue.leaderboard.evalai.content import FAILED_RESULT, check_result
from glue.leaderboard.evalai.errors import EvalAIUnavailable
from glue.leaderboard.evalai.models import CLOSED, WITHDRAWN, Logs, Outcome, Status, Submission
from glue.leaderboard.evalai.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    import httpx
    from pydantic import SecretStr

    from glue.leaderboard.evalai.budget import Budget, Share
    from glue.leaderboard.evalai.models import SubmissionKey

TRIES = 4
FIRST_WAIT = 0.5  # seconds before the second try; it doubles from there
LONGEST_WAIT = 5.0  # seconds
LOOK_AND_TELL = 2  # calls
PATIENCE = 20.0  # seconds: a function is paid for while it waits, a state machine is not

UPDATE = "/api/jobs/challenge/{}/update_submission/"
INTERIM = "/api/jobs/challenges/{}/update_partially_evaluated_submission/"  # plural, indeed
SUBMISSION = "/api/jobs/submission/{}"  # without a slash at the end


class EvalAI:
    """EvalAI as a host of the challenges may use it.

    `server` and `token` are `api_server` and `auth_token` of the secret `evalai`; every call is
    taken from `budget` first. All methods raise EvalAIUnavailable, EvalAIBusy, EvalAIRejected and
    EvalAIRefused, and let the budget's own errors through. `patience` is in seconds.
    """

    def __init__(
        self,
        server: str,
        token: SecretStr,
        budget: Budget,
        transport: httpx.BaseTransport | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._budget = budget
        self._calls = Transport(server, token, budget, transport)
        self._patience = patience

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()

    def submission(self, pk: int) -> Submission:
        """Return a submission as EvalAI knows it now."""
        for attempt in self._attempts():
            with attempt:
                self._budget.take("read")
                return self._look(pk)
        raise AssertionError("the last attempt returns or raises")

    def set_running(self, key: SubmissionKey, job_name: str, *, reopen: bool = False) -> Outcome:
        """Tell that a submission runs, as a job of this name.

        A closed submission stays closed; with `reopen` one that is finished or failed is set
        running again (an operator's re-run), one that a person withdrew is not. EvalAI appends
        every name that it is told, hence it is not told one that it knows.
        """

        def tell() -> None:
            self._calls.send(
                "PATCH",
                UPDATE.format(key.challenge),
                {
                    "submission": key.submission,
                    "submission_status": "running",
                    "job_name": job_name,
                },
            )

        def is_told(found: Submission) -> bool:
            if found.status in (WITHDRAWN if reopen else CLOSED):
                return True
            return found.status is Status.RUNNING and found.knows_job(job_name)

        return self._settle("read", key, Status.RUNNING, is_told, tell)

    def report_interim(self, key: SubmissionKey, result: str, logs: Logs = Logs()) -> Outcome:  # noqa: B008 - it cannot change
        """Show a partial result; `result` is the text that `finish` takes. It is tried once.

        The outcome tells a participant's cancel as well. Raises InputError for a result that is
        not in EvalAI's form.
        """
        check_result(result)
        self._budget.take("interim", LOOK_AND_TELL)
        found = self._look(key.submission)
        if found.status.is_closed:
            return Outcome(found.status, sent=False)
        texts = logs.clipped()
        self._calls.send(
            "PUT",
            INTERIM.format(key.challenge),
            {
                "challenge_phase": key.phase,
                "submission": key.submission,
                "submission_status": "PARTIALLY_EVALUATED",
                "result": result,
                "stdout": texts.stdout,
                "stderr": texts.stderr,
                "metadata": texts.metadata,
            },
        )
        return Outcome(Status.PARTIALLY_EVALUATED, sent=True)

    def finish(self, key: SubmissionKey, result: str, logs: Logs = Logs()) -> Outcome:  # noqa: B008
        """Tell the final result, unless the submission is closed already.

        `result` is JSON text of a list of `{"split", "show_to_participant", "accuracies"}`.
        Raises InputError for anything else.
        """
        check_result(result)
        return self._close(key, Status.FINISHED, result, logs)

    def fail(self, key: SubmissionKey, logs: Logs) -> Outcome:
        """Tell that a submission failed, unless it is closed already.

        The participant reads the reason in `logs.stderr`.
        """
        return self._close(key, Status.FAILED, FAILED_RESULT, logs)

    def _close(self, key: SubmissionKey, status: Status, result: str, logs: Logs) -> Outcome:
        content = {
            "challenge_phase": key.phase,
            "submission": key.submission,
            "submission_status": status.upper(),
            "result": result,
            **logs.clipped()._asdict(),
        }

        def tell() -> None:
            self._calls.send("PUT", UPDATE.format(key.challenge), content)

        return self._settle("final", key, status, lambda found: found.status.is_closed, tell)

    def _settle(
        self,
        share: Share,
        key: SubmissionKey,
        status: Status,
        is_told: Callable[[Submission], bool],
        tell: Callable[[], Any],
    ) -> Outcome:
        """Look and tell, again and again while EvalAI is unavailable."""
        sent = False
        for attempt in self._attempts():
            with attempt:
                self._budget.take(share, LOOK_AND_TELL)
                found = self._look(key.submission)
                if is_told(found):
                    # What we sent before the answer was lost has arrived.
                    return Outcome(found.status, sent=sent and found.status is status)
                sent = True
                tell()
                return Outcome(status, sent=True)
        raise AssertionError("the last attempt returns or raises")

    def _look(self, pk: int) -> Submission:
        answer = self._calls.send("GET", SUBMISSION.format(pk))
        try:
            return Submission.model_validate(answer)
        except ValueError as error:
            reason = f"EvalAI's answer about submission {pk} is not understood: {error}"
            raise EvalAIUnavailable(reason) from None

    def _attempts(self) -> Iterator[stamina.Attempt]:
        return iter(
            stamina.retry_context(
                on=EvalAIUnavailable,
                attempts=TRIES,
                timeout=self._patience,
                wait_initial=FIRST_WAIT,
                wait_max=LONGEST_WAIT,
                wait_jitter=FIRST_WAIT,
            )
        )
