"""`glue leaderboard connect`: the token goes in and never comes out."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import typer

from glue.cli.main import run
from glue.errors import InputError
from glue.leaderboard.connection import SendingKey, check_token, make_sending_key, token_end
from glue.leaderboard.parameters import read_evalai, read_tracks
from tests.unit.leaderboard.cli.conftest import USER
from tests.unit.leaderboard.store.ground import TRACKS

if TYPE_CHECKING:
    from tests.unit.leaderboard.cli.conftest import Deployed

Captured = pytest.CaptureFixture[str]


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


TOKEN = f"{part({'alg': 'HS256'})}.{part({'exp': 1_826_536_000, 'user_id': 3})}.c2lnbmF0dXJl"
SERVER = ["--server", "https://eval.ai/"]


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))


def connect(*arguments: str) -> int:
    return run(["leaderboard", "connect", *arguments])


def stored(deployed: Deployed) -> dict[str, Any]:
    secrets = deployed.ground.secrets
    text = secrets.get_secret_value(SecretId=deployed.ground.evalai_arn)["SecretString"]
    content: dict[str, Any] = json.loads(text)
    return content


@pytest.mark.usefixtures("piped")
def test_by_a_pipe(deployed: Deployed, capsys: Captured) -> None:
    tracks = ["--track", "21=leaderboard-10-MAP", "--track", "22=leaderboard-20:MAP_QUALIFIER"]
    assert connect(*SERVER, *tracks, "--remove-track", "15") == 0
    said = capsys.readouterr()
    assert TOKEN not in said.out + said.err
    assert "server: https://eval.ai\ntoken: written, until 2027-11-18T11:06:40.000Z" in said.out
    assert "21     leaderboard-10-MAP" in said.out
    ground = deployed.ground
    access = read_evalai(ground.secrets, ground.evalai_arn)
    assert access.api_server == "https://eval.ai"
    assert access.auth_token.get_secret_value() == TOKEN
    expected = {phase: track for phase, track in TRACKS.items() if phase != "15"}
    assert read_tracks(ground.secrets, ground.tracks_arn) == expected | {
        "21": "leaderboard-10-MAP",
        "22": "leaderboard-20-MAP_QUALIFIER",
    }


def test_by_a_prompt_that_hides_it(
    deployed: Deployed, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def prompt(text: str, **options: Any) -> str:
        asked.append((text, options))
        return TOKEN

    monkeypatch.setattr("glue.cli.leaderboard_connect.somebody_is_there", lambda: True)
    monkeypatch.setattr(typer, "prompt", prompt)
    assert connect(*SERVER) == 0
    assert [options for _, options in asked] == [{"hide_input": True}]
    said = capsys.readouterr()
    assert TOKEN not in said.out + said.err
    assert stored(deployed) == {"api_server": "https://eval.ai", "auth_token": TOKEN}


@pytest.mark.usefixtures("piped")
def test_another_token(deployed: Deployed, capsys: Captured) -> None:
    ground = deployed.ground
    before = {"api_server": "https://eval.ai", "auth_token": "an-old-token", "kept": "as it is"}
    ground.secrets.put_secret_value(SecretId=ground.evalai_arn, SecretString=json.dumps(before))
    assert connect("--renew-token", "--json") == 0
    assert stored(deployed) == before | {"auth_token": TOKEN}
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "environment": "local",
        "server": "https://eval.ai",
        "has_token": True,
        "token_ends": "2027-11-18T11:06:40.000Z",
        "tracks": TRACKS,
    }


def test_shown_without_options(deployed: Deployed, capsys: Captured) -> None:
    assert connect() == 2
    said = capsys.readouterr()
    assert "server: none\ntoken: none" in said.out
    assert "not connected yet" in said.err
    access = {"api_server": "https://eval.ai", "auth_token": "opaque-token"}
    deployed.ground.secrets.put_secret_value(
        SecretId=deployed.ground.evalai_arn, SecretString=json.dumps(access)
    )
    assert connect() == 0
    said = capsys.readouterr()
    assert "token: written\n" in said.out
    assert "opaque-token" not in said.out + said.err
    assert said.err == ""


def test_tracks_alone(deployed: Deployed, capsys: Captured) -> None:
    assert connect("--track", "30=leaderboard-20-SENSORS") == 0
    assert "not connected yet" in capsys.readouterr().err
    ground = deployed.ground
    assert read_tracks(ground.secrets, ground.tracks_arn)["30"] == "leaderboard-20-SENSORS"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--track", "leaderboard-10-SENSORS"], "names no phase"),
        (["--track", "012=leaderboard-10-SENSORS"], "names no phase"),
        (["--track", "12=SENSORS"], "does not name a leaderboard and a track"),
        (["--track", "12=leaderboard-40-SENSORS"], "there is no leaderboard leaderboard-40"),
        (["--remove-track", "77"], "'77' has no track"),
        (["--delete-sending-key", "AKIDOESNOTEXIST00000"], "has no key 'AKIDOESNOTEXIST00000'"),
    ],
)
def test_what_cannot_be_written(
    deployed: Deployed, capsys: Captured, arguments: list[str], problem: str
) -> None:
    assert connect(*arguments) == 1
    assert problem in capsys.readouterr().err
    ground = deployed.ground
    assert read_tracks(ground.secrets, ground.tracks_arn) == TRACKS


@pytest.mark.parametrize("server", ["http://eval.ai", "eval.ai", "https://u:secret@eval.ai"])
@pytest.mark.usefixtures("piped")
def test_no_server(deployed: Deployed, capsys: Captured, server: str) -> None:
    assert connect("--server", server) == 1
    said = capsys.readouterr()
    assert "api_server: it is not the address" in said.err
    assert "secret@" not in said.err
    assert TOKEN not in said.err


@pytest.mark.parametrize("token", ["", "  ", "brief", "two words here", "größer-als-ascii"])
def test_no_token(
    deployed: Deployed, capsys: Captured, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(token))
    assert connect(*SERVER) == 1
    said = capsys.readouterr().err
    assert "copy it from EvalAI" in said
    assert not token.strip() or token not in said
    with pytest.raises(InputError):
        check_token(token)


def test_a_damaged_secret_is_not_overwritten(deployed: Deployed, capsys: Captured) -> None:
    ground = deployed.ground
    for text in ("opaque-token", '["opaque-token"]'):
        ground.secrets.put_secret_value(SecretId=ground.evalai_arn, SecretString=text)
        assert connect() == 1
        said = capsys.readouterr().err
        assert "it holds no JSON object" in said
        assert "opaque-token" not in said


def test_sending_keys(deployed: Deployed, capsys: Captured) -> None:
    assert connect("--sending-key", "--json") == 0
    first = json.loads(capsys.readouterr().out)["sending_key"]
    assert connect("--sending-key") == 0
    said = capsys.readouterr()
    held = deployed.iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]
    assert len(held) == 2
    assert first["id"] in {key["AccessKeyId"] for key in held}
    assert "only now" in said.err
    assert connect("--sending-key") == 1
    said = capsys.readouterr()
    assert first["id"] in said.err
    assert first["secret"] not in said.out + said.err
    assert connect("--delete-sending-key", first["id"]) == 0
    assert "is deleted" in capsys.readouterr().err
    assert len(deployed.iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]) == 1


def test_a_key_does_not_show_itself(deployed: Deployed) -> None:
    key = make_sending_key(deployed.iam, USER)
    assert key.secret not in repr(key)
    assert repr(SendingKey("id", "hidden")) == "SendingKey(key_id='id')"


@pytest.mark.parametrize(
    "token",
    ["", "opaque", "a.b", "a.b.c", f"a.{part({})}.c", f"a.{part({'exp': 'soon'})}.c",
     f"a.{part({'exp': 1e30})}.c", "a.W10.c", "a.ä.c"],
)  # fmt: skip
def test_tokens_that_say_no_end(token: str) -> None:
    assert token_end(token) == ""
