"""The route that makes tokens: a device's name and secret in, a short-lived ID token out."""

import base64
import json

from aws_lambda_powertools.event_handler.api_gateway import Router

from glue import aws
from glue.api.caller import groups_of
from glue.errors import Unauthorised
from glue.recordings.models import TokenAnswer, TokenRequest

router = Router()  # type: ignore[no-untyped-call]

_REFUSED = (
    "NotAuthorizedException",
    "UserNotFoundException",
    "UserNotConfirmedException",
    "PasswordResetRequiredException",
    "InvalidParameterException",
)


def _refusal() -> Unauthorised:
    # One answer for all: whether a device exists is nobody's business.
    return Unauthorised(
        "secret",
        "the device or its secret is wrong, or it was revoked",
        "check the profile, or ask an operator for a new secret: glue devices add",
    )


@router.post("/token", summary="Get a token", tags=["token"], security=[{"api_key": []}])
def issue_token(request: TokenRequest) -> TokenAnswer:
    """Return an ID token for the Authorization header of every other route."""
    from botocore.exceptions import ClientError

    from glue.settings import IssueTokenSettings, load

    if not (request.device.isprintable() and request.secret.isprintable()):
        raise _refusal()
    try:
        answer = aws.identity().initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=load(IssueTokenSettings).user_pool_client_id,
            AuthParameters={"USERNAME": request.device, "PASSWORD": request.secret},
        )
    except ClientError as error:
        if aws.error_code(error) in _REFUSED:
            raise _refusal() from error
        raise
    result = answer.get("AuthenticationResult")
    if not result or "IdToken" not in result:
        raise _refusal()  # a challenge, such as a first password that must be changed
    token = result["IdToken"]
    return TokenAnswer(
        token=token, expires_in=result["ExpiresIn"], groups=sorted(_groups_in(token))
    )


def _groups_in(token: str) -> frozenset[str]:
    """Return the groups that a token names; its signature was made a moment ago by Cognito."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return groups_of(claims.get("cognito:groups"))
