"""The form with which an attempt's pod sends its files, in a Secret that is replaced in time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from glue.leaderboard.kubernetes.values import FORM_KEY
from glue.leaderboard.names import job_name
from glue.leaderboard.times import seconds_of, utc_text

if TYPE_CHECKING:
    from glue.leaderboard.run import Run
    from glue.leaderboard.services import Services
    from glue.leaderboard.table import SubmissionItem

# A third of a form's life: the next look may come late, and a pod sees a new one minutes later.
RENEWED_AFTER_SECONDS = 1200


def put_form(services: Services, run: Run, job: dict[str, Any] | None) -> str:
    """Put a new form where the attempt's pod reads it, and return when it was made.

    It belongs to the Job, if there is one already, and is deleted with it.
    """
    made_at = utc_text(services.clock())
    form = services.storage.form(run.submission, run.attempt)
    services.kubernetes.put_secret(
        job_name(services.leaderboard, run.submission, run.attempt),
        {FORM_KEY: SecretStr(json.dumps(form))},
        {
            "app.kubernetes.io/managed-by": "glue",
            "leaderboard": services.leaderboard,
            "submission": str(run.submission),
            "attempt": str(run.attempt),
        },
        owner=job,
    )
    return made_at


def is_old(services: Services, item: SubmissionItem) -> bool:
    """Tell whether the attempt's form is to be replaced."""
    if item.form_made_at is None:
        return True
    return services.clock() - seconds_of(item.form_made_at) > RENEWED_AFTER_SECONDS
