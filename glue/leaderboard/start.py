"""From EvalAI's message to an execution of the state machine, one for each time EvalAI asks.

The same submission arrives again for two reasons that look alike: a queue delivers a message
twice, or the participant has the submission resumed. What tells them apart is EvalAI: after a
resume it waits for a run again. EvalAI is asked only when something is known of the submission
already, so that a new one costs none of the calls that EvalAI allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from glue import messages
from glue.errors import InputError
from glue.leaderboard.attempts import run_of
from glue.leaderboard.evalai.errors import EvalAIBusy, EvalAIUnavailable
from glue.leaderboard.evalai.messages import SubmissionMessage
from glue.leaderboard.evalai.models import CLOSED, Status
from glue.leaderboard.evalai.tracks import find_track
from glue.leaderboard.run import Run
from glue.leaderboard.states import State
from glue.leaderboard.table import Superseded
from glue.leaderboard.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

    from glue.leaderboard.attempts import Attempts
    from glue.leaderboard.evalai.client import EvalAI
    from glue.leaderboard.evalai.tracks import Track
    from glue.leaderboard.table import SubmissionItem

Taken = Literal["started", "resumed", "at work", "closed", "forwarded"]

# EvalAI waits for a run: it has not been told that there is one.
WAITING = frozenset({Status.SUBMITTED, Status.QUEUED, Status.SUBMITTING, Status.RESUMING})
UNTOLD = WAITING | {""}
FIRST_RETRY_OF_EVALAI_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Start:
    """What starts the submissions of one leaderboard.

    `tracks` gives the track of each phase, and with True reads them anew. `evalai` opens a client
    of EvalAI. `queue_urls` are those of all leaderboards: EvalAI has one queue for a challenge,
    and the phases of a challenge may belong to several.
    """

    leaderboard: str
    tracks: Callable[[bool], Mapping[str, str]]
    attempts: Attempts
    evalai: Callable[[], EvalAI]
    queues: SQSClient
    queue_urls: Mapping[str, str]

    def take(self, body: str) -> Taken:
        """Do what a message asks for, if it has not been done; say what that was.

        Raises InputError for a message that cannot be understood or belongs to no leaderboard,
        and EvalAI's errors: then the message has to come again.
        """
        message = SubmissionMessage.read(body)
        track = self._track(message.key.phase)
        taken = (
            self._start(message, track)
            if track.leaderboard == self.leaderboard
            else self._forward(body, track)
        )
        logger.info(
            "message taken", submission=message.key.submission, track=str(track), taken=taken
        )
        return taken

    def _track(self, phase: int) -> Track:
        try:
            return find_track(self.tracks(False), phase)
        except InputError:
            # Somebody may just have written it down, and put the message back for that reason.
            return find_track(self.tracks(True), phase)

    def _forward(self, body: str, track: Track) -> Taken:
        url = self.queue_urls.get(track.leaderboard)
        if url is None:
            raise InputError(
                "track",
                f"{track} belongs to {track.leaderboard}, which this environment does not have "
                f"(it has {', '.join(sorted(self.queue_urls))})",
                "add that leaderboard and apply, or correct the track with "
                "`glue leaderboard connect`; then put the message back into the queue",
            )
        self.queues.send_message(QueueUrl=url, MessageBody=body)
        return "forwarded"

    def _start(self, message: SubmissionMessage, track: Track) -> Taken:
        item = self.attempts.table.find(message.key.submission)
        if item is not None:
            return self._again(message, track, item)
        first = _first_run(message, track)
        attempt, begun = self.attempts.first(first)
        if begun != "ended":
            return "started" if begun == "started" else "at work"
        # The index shows new items a little late.
        item = self.attempts.table.find(message.key.submission)
        if item is not None:
            return self._again(message, track, item)
        if not self._is_waited_for(message):
            return "closed"
        # The attempt before ended without getting as far as the table.
        self.attempts.begin(first.model_copy(update={"attempt": attempt + 1}))
        return "resumed"

    def _again(self, message: SubmissionMessage, track: Track, item: SubmissionItem) -> Taken:
        """Tell a second delivery from a resume; the table knows the submission."""
        if item.state is State.SUBMITTED:
            # Asked for and not begun: whoever opened this attempt may not have come any further.
            if self.attempts.begin(run_of(item)) != "ended":
                return "at work"
        elif not item.state.is_closed and item.evalai_status in UNTOLD:
            return "at work"  # EvalAI waits, and is being served
        elif item.state is State.FINISHED and item.evalai_status not in CLOSED:
            return "closed"  # its result is still to be told, and no attempt may begin over it
        if not self._is_waited_for(message):
            return "closed" if item.state.is_closed else "at work"
        try:
            self.attempts.next(item, image=message.image, track=str(track))
        except Superseded:
            return "at work"
        return "resumed"

    def _is_waited_for(self, message: SubmissionMessage) -> bool:
        with self.evalai() as evalai:
            return evalai.submission(message.key.submission).status in WAITING


def start_messages(start: Start, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the messages of an SQS event; answer which of them failed."""
    failures = messages.Failures(
        lambda: start.queues,
        logger,
        expected=(InputError, EvalAIBusy, EvalAIUnavailable),
        retry=retry_seconds,
    )
    return messages.handle_messages(
        event, context, lambda record: start.take(record.body), failures
    )


def retry_seconds(received: int, error: Exception) -> int:
    """Return after how long a message that failed, received so often, is to be tried again."""
    if not isinstance(error, EvalAIBusy | EvalAIUnavailable):
        return messages.retry_seconds(received)
    # EvalAI is away for minutes, not seconds; five attempts are to last longer than that.
    least = error.seconds if isinstance(error, EvalAIBusy) else 0.0
    return messages.growing_seconds(received, FIRST_RETRY_OF_EVALAI_SECONDS, least)


def _first_run(message: SubmissionMessage, track: Track) -> Run:
    return Run(
        challenge=message.key.challenge,
        phase=message.key.phase,
        submission=message.key.submission,
        image=message.image,
        is_static_dataset=message.is_static_dataset,
        track=str(track),
    )
