"""What glue must know of EvalAI: put into its secrets after apply, so that no state holds it.

Locally everything comes from the stand-in of the local cloud, which is told in turn where to send
submissions. Elsewhere it comes from people, by `glue leaderboard connect`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from glue.deploy.project import write_json
from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glue.deploy.environments import Environment

# In the local cloud's home: the key by which the stand-in sends submissions, and where to.
SENDING_KEY = "evalai/sending-key.json"
SECONDS = 20.0


def write(environment: Environment, outputs: Mapping[str, Any]) -> bool:
    """Put the stand-in's address, token and tracks into the secrets, and give it a queue.

    Returns whether anything was written: never elsewhere than locally, not for a platform
    without leaderboards or a cloud without the stand-in, and not when all is there already.
    Raises InputError when the stand-in does not answer.
    """
    evalai, leaderboards = outputs.get("evalai"), outputs.get("leaderboards")
    if not environment.is_local or not evalai or not leaderboards:
        return False
    stand_in = _stand_in(environment.project.local_home)
    if stand_in is None:
        return False
    access = {"auth_token": stand_in["token"], "api_server": stand_in["url"]}
    tracks = {
        str(phase): track
        for track, phase in stand_in["phases"].items()
        if track.rpartition("-")[0] in leaderboards
    }
    written = [
        _put(environment, evalai["secret_arn"], access),
        _put(environment, evalai["tracks_secret_arn"], tracks),
        _connect(environment, stand_in, evalai["user_name"], leaderboards),
    ]
    return any(written)


def reminder(environment: Environment, outputs: Mapping[str, Any]) -> str | None:
    """Return what is left to be done by hand: None when EvalAI's secrets have their values."""
    evalai = outputs.get("evalai")
    if not evalai:
        return None
    arns = (evalai["secret_arn"], evalai["tracks_secret_arn"])
    if all(_value(environment, arn) for arn in arns):
        return None
    return (
        "EvalAI's address, token or tracks are not known yet: run "
        f"`glue leaderboard connect --env {environment.name}`"
    )


def _stand_in(home: Path) -> dict[str, Any] | None:
    """Return what the running local cloud says of its stand-in, None when it has none."""
    try:
        facts = json.loads((home / "cloud.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    found: dict[str, Any] | None = facts.get("evalai")
    return found


def _value(environment: Environment, arn: str) -> str | None:
    client = environment.client("secretsmanager")
    try:
        found: str | None = client.get_secret_value(SecretId=arn).get("SecretString")
    except client.exceptions.ResourceNotFoundException:
        return None
    return found


def _put(environment: Environment, arn: str, wanted: Mapping[str, str]) -> bool:
    text = json.dumps(wanted)
    if _value(environment, arn) == text:
        return False
    environment.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=text)
    return True


def _connect(
    environment: Environment,
    stand_in: Mapping[str, Any],
    user: str,
    leaderboards: Mapping[str, Any],
) -> bool:
    """Tell the stand-in its queue unless it knows it; return whether it did not.

    EvalAI has one queue for a challenge, whatever the phase: that of the first leaderboard, which
    hands on what is another's. It sends with a key of the user whose key EvalAI has on AWS, too.
    """
    path = environment.project.local_home / SENDING_KEY
    try:
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        kept = {}
    place = {
        "name": leaderboards[min(leaderboards)]["queue_url"].rsplit("/", 1)[-1],
        "region": environment.facts.region,
        "endpoint": environment.endpoint or "",
    }
    users = environment.client("iam")
    listed = users.list_access_keys(UserName=user)["AccessKeyMetadata"]
    held = [key["AccessKeyId"] for key in listed]
    is_known = kept.get("access_key_id") in held
    if is_known and place.items() <= kept.items():
        return False
    if not is_known:
        # A user may have two keys at most, and nobody else has one of this user's.
        for key in held:
            users.delete_access_key(UserName=user, AccessKeyId=key)
        made = users.create_access_key(UserName=user)["AccessKey"]
        kept = {
            "access_key_id": made["AccessKeyId"],
            "secret_access_key": made["SecretAccessKey"],
        }
    queue = {**kept, **place}
    _tell(f"{stand_in['url']}/stand-in/challenges/{stand_in['challenge']}/queue", queue)
    # Last, so that a stand-in that was not told is told the next time.
    write_json(path, queue, mode=0o600)
    return True


def _tell(address: str, queue: Mapping[str, str]) -> None:
    import httpx

    try:
        with httpx.Client(timeout=SECONDS, trust_env=False) as client:
            client.put(address, json=dict(queue)).raise_for_status()
    except httpx.HTTPError as error:
        raise InputError(
            "evalai", f"the stand-in does not take its queue: {error}", "run `glue local up`"
        ) from error
