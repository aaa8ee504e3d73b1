"""What the secrets of a leaderboard hold, checked, and read again every few minutes.

Secrets are changed while functions run: a token is renewed, an image tried out. Five minutes
later every function has noticed.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_secretsmanager import SecretsManagerClient

KEPT_SECONDS = 300.0
CONNECT = "run `glue leaderboard connect`"
APPLY = "apply the environment's Terraform again, which writes this secret"

_Kind = TypeVar("_Kind", bound=BaseModel)
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_kept: dict[str, tuple[float, dict[str, Any]]] = {}


class Parameters(BaseModel):
    """The nine parameters of a leaderboard; nothing in them is secret.

    The first three are the cluster's, as Kubernetes' client wants them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: _Text
    endpoint: _Text
    certificate_authority: _Text
    simulator_image: _Text
    leaderboard_image: _Text
    logcopy_image: _Text
    s3_bucket: _Text
    dynamodb_submissions_table: _Text
    cloudwatch_log_group: _Text


class EvalAIAccess(BaseModel):
    """Where EvalAI is, and the token of a host of the challenges."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    api_server: Annotated[
        str, StringConstraints(strip_whitespace=True, pattern=r"^https?://[^\s/]+[^\s]*$")
    ]
    auth_token: Annotated[SecretStr, Field(min_length=1)]


def read_parameters(client: SecretsManagerClient, arn: str) -> Parameters:
    """Return a leaderboard's parameters. Raises InputError when one is missing or empty."""
    return _take(Parameters, _content(client, arn, APPLY), arn, APPLY)


def read_evalai(client: SecretsManagerClient, arn: str) -> EvalAIAccess:
    """Return how EvalAI is reached. Raises InputError when nobody has said so yet."""
    return _take(EvalAIAccess, _content(client, arn, CONNECT), arn, CONNECT)


def read_tracks(client: SecretsManagerClient, arn: str, *, afresh: bool = False) -> dict[str, str]:
    """Return the track of each phase, such as {"12": "leaderboard-10-SENSORS"}.

    With `afresh` what was read before does not count. Raises InputError when nobody has said so
    yet.
    """
    if afresh:
        _kept.pop(arn, None)
    content = _content(client, arn, CONNECT)
    if not content:
        raise InputError(
            f"secret {secret_name(arn)}", "it names no track", f"{CONNECT} with --track"
        )
    for phase, track in content.items():
        if not isinstance(track, str) or not track:
            raise InputError(
                f"secret {secret_name(arn)}: {phase}",
                "it is not the name of a track",
                f"{CONNECT} with --track {phase}=leaderboard-10-SENSORS",
            )
    return content


def forget_parameters() -> None:
    """Read every secret again at the next call; for tests, and after a change by this process."""
    _kept.clear()


def secret_name(arn: str) -> str:
    """Return a secret's name, or an ARN's last part, which is the name and six characters."""
    return arn.rsplit(":", 1)[-1]


def _content(client: SecretsManagerClient, arn: str, remedy: str) -> dict[str, Any]:
    """Return the JSON object of a secret, at most five minutes old."""
    read_at, content = _kept.get(arn, (0.0, {}))
    if arn in _kept and time.monotonic() - read_at < KEPT_SECONDS:
        return content
    field = f"secret {secret_name(arn)}"
    try:
        text = client.get_secret_value(SecretId=arn).get("SecretString", "")
    except client.exceptions.ResourceNotFoundException:
        text = ""  # Terraform makes the secret; until somebody writes a value, it has no version
    if not text:
        raise InputError(field, "it has no value", remedy, "empty")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):  # what it holds instead may be a token, and is not shown
        raise InputError(field, "it holds no JSON object", remedy)
    _kept[arn] = (time.monotonic(), found)
    return found


def _take(kind: type[_Kind], content: Mapping[str, Any], arn: str, remedy: str) -> _Kind:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        # Pydantic's own text repeats the value, which may be a token with a typing error.
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        problem = {
            "missing": "it is missing",
            "string_too_short": "it is empty",
            "too_short": "it is empty",
        }.get(first["type"], "it is not in its form")
        raise InputError(f"secret {secret_name(arn)}: {key}", problem, remedy) from None
