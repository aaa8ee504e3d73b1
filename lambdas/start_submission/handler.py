"""From a leaderboard's queue to its state machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.leaderboard.telemetry import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from glue.leaderboard.evalai.client import EvalAI
    from glue.leaderboard.start import Start
    from glue.settings import StartSubmissionSettings


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Start what a batch of EvalAI's messages asks for; answer which messages failed."""
    from glue.leaderboard.start import start_messages

    return start_messages(_start(), event, context)


def _start() -> Start:
    from glue import aws
    from glue.leaderboard.attempts import Attempts
    from glue.leaderboard.parameters import read_parameters, read_tracks
    from glue.leaderboard.start import Start
    from glue.leaderboard.table import Table
    from glue.settings import StartSubmissionSettings, load

    settings = load(StartSubmissionSettings)
    secrets = aws.secrets()
    parameters = read_parameters(secrets, settings.parameters_secret_arn)
    return Start(
        leaderboard=settings.leaderboard,
        tracks=lambda afresh: read_tracks(secrets, settings.tracks_secret_arn, afresh=afresh),
        attempts=Attempts(
            Table(aws.dynamodb(), parameters.dynamodb_submissions_table),
            aws.state_machines(),
            settings.state_machine_arn,
        ),
        evalai=lambda: _evalai(settings),
        queues=aws.sqs(),
        queue_urls=settings.queue_urls,
    )


def _evalai(settings: StartSubmissionSettings) -> EvalAI:
    from glue import aws
    from glue.leaderboard.evalai.budget import TableBudget
    from glue.leaderboard.evalai.client import EvalAI
    from glue.leaderboard.parameters import read_evalai

    access = read_evalai(aws.secrets(), settings.evalai_secret_arn)
    budget = TableBudget(aws.dynamodb(), settings.budget_table)
    return EvalAI(access.api_server, access.auth_token, budget)
