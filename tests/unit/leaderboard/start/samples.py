"""Messages of EvalAI, an EvalAI that only answers, and what starts submissions with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from glue.leaderboard.attempts import Attempts
from glue.leaderboard.evalai.models import Status, Submission
from glue.leaderboard.parameters import read_tracks
from glue.leaderboard.start import Start
from tests.unit.leaderboard.store.ground import LEADERBOARD

if TYPE_CHECKING:
    from tests.unit.leaderboard.store.ground import Ground

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/x-participant-team-5:1f2e"


def body_of(submission: int = 99, phase: int = 12, **more: Any) -> str:
    """Return a message as a participant's own submission brings it."""
    content = {
        "challenge_pk": "7",
        "phase_pk": str(phase),
        "submission_pk": submission,
        "is_static_dataset_code_upload_submission": False,
        "submitted_image_uri": IMAGE,
    }
    return json.dumps(content | more)


def resume_of(submission: int = 99, phase: int = 12) -> str:
    """Return a message as a resume brings it: numbers, and no image."""
    return json.dumps(
        {
            "challenge_pk": 7,
            "phase_pk": phase,
            "submission_pk": submission,
            "is_static_dataset_code_upload_submission": False,
        }
    )


class EvalAI:
    """What EvalAI holds of each submission; `asked` counts the calls."""

    def __init__(self) -> None:
        self.statuses: dict[int, Status] = {}
        self.asked = 0
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submission(self, pk: int) -> Submission:
        self.asked += 1
        if self.error is not None:
            raise self.error
        status = self.statuses.get(pk, Status.SUBMITTED)
        return Submission(id=pk, participant_team=5, challenge_phase=12, status=status)


def attempts_of(ground: Ground) -> Attempts:
    return Attempts(ground.table, ground.states, ground.machine)


def start_of(ground: Ground, evalai: EvalAI) -> Start:
    return Start(
        leaderboard=LEADERBOARD,
        tracks=lambda afresh: read_tracks(ground.secrets, ground.tracks_arn, afresh=afresh),
        attempts=attempts_of(ground),
        evalai=lambda: evalai,  # type: ignore[arg-type, return-value]
        queues=ground.sqs,
        queue_urls=ground.queues,
    )


def executions(ground: Ground, submission: int = 99) -> dict[str, dict[str, Any]]:
    """Return the inputs of a submission's executions by their names."""
    pages = ground.states.get_paginator("list_executions").paginate(stateMachineArn=ground.machine)
    return {
        found["name"]: json.loads(
            ground.states.describe_execution(executionArn=found["executionArn"])["input"]
        )
        for page in pages
        for found in page["executions"]
        if found["name"].startswith(f"submission-{submission}-")
    }


def end(ground: Ground, name: str) -> None:
    """Have an execution end."""
    arn = f"{ground.machine.replace(':stateMachine:', ':execution:')}:{name}"
    ground.states.stop_execution(executionArn=arn)
