"""One step of a submission, called by the state machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.leaderboard.telemetry import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from glue.leaderboard.services import Services


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Take the step that `step` names with `run`; answer the run with what comes next.

    What a step raises is left to the state machine, which retries by the error's class name.
    """
    from glue.leaderboard.run import Run
    from glue.leaderboard.steps import STEPS

    run = Run.model_validate(event["run"]).model_copy(update={"execution": event.get("execution")})
    step = event["step"]
    logger.append_keys(submission=run.submission, attempt=run.attempt, step=step)
    following = STEPS[step](_services(), run)
    logger.info("step taken", next=following.next)
    return following.model_dump(mode="json")


def _services() -> Services:
    from glue.leaderboard.services import open_services
    from glue.settings import RunSubmissionSettings, load

    return open_services(load(RunSubmissionSettings))
