"""How the platform and EvalAI know each other: two secrets, and a key by which EvalAI sends.

Terraform makes the secrets and the user, but neither values nor keys: those would lie in its
state.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glue.errors import Conflict, InputError, NotFound
from glue.leaderboard.evalai.tracks import Track
from glue.leaderboard.parameters import forget_parameters, secret_name
from glue.leaderboard.times import utc_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from mypy_boto3_iam import IAMClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

MOST_KEYS = 2  # IAM's limit for a user
TOKEN = re.compile(r"[\x21-\x7e]{8,8192}")
PHASE = re.compile(r"[1-9][0-9]{0,18}")
JWT_PARTS = 3


@dataclass(frozen=True, slots=True)
class SendingKey:
    """An access key with which EvalAI may put messages into the queues, and nothing else."""

    key_id: str
    secret: str

    def __repr__(self) -> str:
        return f"SendingKey(key_id={self.key_id!r})"


class Connection:
    """The secrets `evalai` and `evalai-tracks` of an environment, by their ARNs."""

    def __init__(self, client: SecretsManagerClient, access_arn: str, tracks_arn: str) -> None:
        self._client = client
        self._access_arn = access_arn
        self._tracks_arn = tracks_arn

    def server(self) -> str:
        """Return EvalAI's address, empty when nobody has written one."""
        return str(self._read(self._access_arn).get("api_server") or "")

    def has_token(self) -> bool:
        """Tell whether there is a token; it is shown to nobody."""
        return bool(self._read(self._access_arn).get("auth_token"))

    def token_ends(self) -> str:
        """Return when the token ends, as far as it says so, in UTC."""
        return token_end(str(self._read(self._access_arn).get("auth_token") or ""))

    def tracks(self) -> dict[str, str]:
        """Return the track of each phase."""
        return {phase: str(track) for phase, track in self._read(self._tracks_arn).items()}

    def write_access(self, server: str | None = None, token: str | None = None) -> None:
        """Write EvalAI's address, the token of a host, or both; what is None stays as it is.

        Raises InputError for what can be neither.
        """
        from glue.leaderboard.evalai.transport import check_server

        content = self._read(self._access_arn)
        if server is not None:
            content["api_server"] = check_server(server)
        if token is not None:
            content["auth_token"] = check_token(token)
        self._write(self._access_arn, content)

    def write_tracks(
        self, tracks: Iterable[str], removed: Iterable[str], leaderboards: Collection[str]
    ) -> dict[str, str]:
        """Add tracks written like `12=leaderboard-10-SENSORS`, remove phases, return all.

        Raises InputError for what is no track, or of none of these leaderboards.
        """
        found = self.tracks()
        found |= dict(_track(text, leaderboards) for text in tracks)
        for phase in removed:
            if found.pop(phase, None) is None:
                known = ", ".join(sorted(found)) or "none"
                raise NotFound("phase", f"{phase[:40]!a} has no track", f"known phases: {known}")
        self._write(self._tracks_arn, found)
        return found

    def _read(self, arn: str) -> dict[str, Any]:
        try:
            text = self._client.get_secret_value(SecretId=arn).get("SecretString", "")
            content = json.loads(text or "{}")
        except self._client.exceptions.ResourceNotFoundException:
            return {}
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise InputError(
                f"secret {secret_name(arn)}",
                "it holds no JSON object",
                "write {} into it (`aws secretsmanager put-secret-value`), then connect again",
            )
        return content

    def _write(self, arn: str, content: Mapping[str, Any]) -> None:
        self._client.put_secret_value(SecretId=arn, SecretString=json.dumps(content))
        forget_parameters()


def check_token(token: str) -> str:
    """Return a token without the white space around it; raise InputError when it can be none."""
    token = token.strip()
    if not TOKEN.fullmatch(token):
        # The token itself is not repeated, however wrong it is.
        raise InputError(
            "token",
            "it is empty, too short, or has characters that no token has",
            "copy it from EvalAI: profile, Get your Auth Token",
        )
    return token


def token_end(token: str) -> str:
    """Return when a JSON Web Token ends, in UTC; empty for what does not say."""
    parts = token.split(".")
    if len(parts) != JWT_PARTS:
        return ""
    try:
        content = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return utc_text(float(content["exp"]))
    except (ValueError, TypeError, KeyError, OverflowError, OSError):
        return ""


def make_sending_key(client: IAMClient, user: str) -> SendingKey:
    """Make an access key for EvalAI's user; it is kept nowhere. Raises Conflict at the limit."""
    held = client.list_access_keys(UserName=user)["AccessKeyMetadata"]
    if len(held) >= MOST_KEYS:
        names = ", ".join(
            f"{key['AccessKeyId']} of {key['CreateDate'].date().isoformat()}" for key in held
        )
        raise Conflict(
            "sending key",
            f"{user} has {len(held)} already, as many as IAM allows: {names}",
            "delete the one that EvalAI does not use: --delete-sending-key ID",
            "too_many",
        )
    made = client.create_access_key(UserName=user)["AccessKey"]
    return SendingKey(made["AccessKeyId"], made["SecretAccessKey"])


def delete_sending_key(client: IAMClient, user: str, key_id: str) -> None:
    """Delete an access key of EvalAI's user. Raises NotFound when it has no such key."""
    try:
        client.delete_access_key(UserName=user, AccessKeyId=key_id)
    except client.exceptions.NoSuchEntityException:
        raise NotFound(
            "sending key", f"{user} has no key {key_id[:40]!a}", "write it as IAM shows it"
        ) from None


def _track(text: str, leaderboards: Collection[str]) -> tuple[str, str]:
    phase, _, name = text.partition("=")
    if not PHASE.fullmatch(phase):
        raise InputError(
            "track",
            f"{text[:80]!a} names no phase",
            "write --track <phase's number>=<track>, such as 12=leaderboard-10-SENSORS",
        )
    track = Track.read(name)
    if track.leaderboard not in leaderboards:
        raise InputError(
            "track",
            f"there is no leaderboard {track.leaderboard} in this environment",
            f"use one of {', '.join(sorted(leaderboards)) or 'none'}, or add it and apply first",
        )
    return phase, str(track)
