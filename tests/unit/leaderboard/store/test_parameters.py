"""Secrets: what they must hold, what a lack says, and that a token is never part of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glue.errors import InputError
from glue.leaderboard import parameters
from glue.leaderboard.parameters import read_evalai, read_parameters, read_tracks
from tests.unit.leaderboard.store.ground import BUCKET, PARAMETERS, TRACKS, Ground

TOKEN = "a-token-nobody-may-see"


class Valueless:
    """Secrets Manager as emulators play it: a secret without a version holds nothing."""

    class exceptions:  # noqa: N801 - botocore's name
        ResourceNotFoundException = KeyError

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803
        return {"ARN": SecretId}


def write(ground: Ground, arn: str, value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    ground.secrets.put_secret_value(SecretId=arn, SecretString=text)


def test_the_nine_parameters(ground: Ground) -> None:
    found = read_parameters(ground.secrets, ground.parameters_arn)
    assert found.model_dump() == PARAMETERS
    assert found.s3_bucket == BUCKET
    assert len(PARAMETERS) == 9


@pytest.mark.parametrize("key", sorted(PARAMETERS))
def test_each_parameter_is_needed(ground: Ground, key: str) -> None:
    lacking = {name: value for name, value in PARAMETERS.items() if name != key}
    for content, problem in ((lacking, "it is missing"), (PARAMETERS | {key: " "}, "it is empty")):
        parameters.forget_parameters()
        write(ground, ground.parameters_arn, content)
        with pytest.raises(InputError, match=f"leaderboard-10.*: {key}: {problem}; apply"):
            read_parameters(ground.secrets, ground.parameters_arn)


def test_how_evalai_is_reached(ground: Ground) -> None:
    with pytest.raises(InputError, match=r"evalai.*: it has no value; run `glue leaderboard"):
        read_evalai(ground.secrets, ground.evalai_arn)
    with pytest.raises(InputError, match="it has no value"):
        read_evalai(Valueless(), ground.evalai_arn)  # type: ignore[arg-type]
    content = {"api_server": "https://eval.ai", "auth_token": TOKEN, "more": 1}
    write(ground, ground.evalai_arn, content)
    access = read_evalai(ground.secrets, ground.evalai_arn)
    assert access.api_server == "https://eval.ai"
    assert access.auth_token.get_secret_value() == TOKEN
    assert TOKEN not in repr(access)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"auth_token": TOKEN}, "api_server: it is missing"),
        ({"api_server": "https://eval.ai"}, "auth_token: it is missing"),
        ({"api_server": "https://eval.ai", "auth_token": ""}, "auth_token: it is empty"),
        ({"api_server": TOKEN, "auth_token": TOKEN}, "api_server: it is not in its form"),
        ({"api_server": "https://eval.ai", "auth_token": [TOKEN]}, "auth_token: it is not in"),
        (TOKEN, "it holds no JSON object"),
        (json.dumps([TOKEN]), "it holds no JSON object"),
    ],
)
def test_a_lack_is_named_and_no_token_shown(ground: Ground, content: Any, key: str) -> None:
    write(ground, ground.evalai_arn, content)
    with pytest.raises(InputError, match=key) as refused:
        read_evalai(ground.secrets, ground.evalai_arn)
    assert "glue leaderboard connect" in refused.value.remedy
    assert TOKEN not in str(refused.value) + repr(refused.value)


def test_tracks(ground: Ground) -> None:
    assert read_tracks(ground.secrets, ground.tracks_arn) == TRACKS
    for content, problem in (({}, "it names no track"), ({"12": 5}, "12: it is not the name")):
        write(ground, ground.tracks_arn, content)
        with pytest.raises(InputError, match=problem):
            read_tracks(ground.secrets, ground.tracks_arn, afresh=True)


def test_kept_for_five_minutes(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("glue.leaderboard.parameters.time.monotonic", lambda: now)
    read_tracks(ground.secrets, ground.tracks_arn)
    write(ground, ground.tracks_arn, {"12": "leaderboard-10-MAP"})
    now += 299
    assert read_tracks(ground.secrets, ground.tracks_arn) == TRACKS
    now += 2
    assert read_tracks(ground.secrets, ground.tracks_arn) == {"12": "leaderboard-10-MAP"}


def test_a_lack_is_not_kept(ground: Ground) -> None:
    with pytest.raises(InputError):
        read_evalai(ground.secrets, ground.evalai_arn)
    write(ground, ground.evalai_arn, {"api_server": "https://eval.ai", "auth_token": TOKEN})
    assert read_evalai(ground.secrets, ground.evalai_arn).api_server == "https://eval.ai"
