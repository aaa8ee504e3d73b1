"""The challenge that the stand-in for EvalAI plays: its phases, its host, and three teams.

What there is stands in `challenge.json` beside this file. The tokens are made at random in each
home and kept there in a file that only its owner may read.
"""

from __future__ import annotations

import http.client
import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from glue.errors import InputError
from glue.local.files import write_privately

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFINITION = Path(__file__).with_name("challenge.json")
ACCESS = Path("evalai") / "access.json"  # in a home folder
SECONDS = 20


def definition() -> dict[str, Any]:
    """Return what challenge.json says."""
    found: dict[str, Any] = json.loads(DEFINITION.read_text(encoding="utf-8"))
    return found


def challenge(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the challenge of a definition as the stand-in takes it; it has no queue yet."""
    phases = [
        {
            "pk": phase["pk"],
            "codename": phase["codename"],
            "splits": [{"labels": content["labels"][phase["labels"]]}],
        }
        for phase in content["phases"]
    ]
    return {"title": content["title"], "hosts": [content["host"]], "phases": phases}


def access(home: Path) -> dict[str, Any]:
    """Return the tokens of a home: `host_token`, and `teams` with name, number and token.

    Raises InputError when none were made yet.
    """
    path = home / ACCESS
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            "evalai", f"{path} is not there: the stand-in was never set up", "run `glue local up`"
        ) from None
    return found


def set_up(home: Path, url: str) -> dict[str, Any]:
    """Give a stand-in its challenge, host and teams, unless it has them; return the tokens."""
    if not (home / ACCESS).exists():
        for path in (home / ACCESS).parent.glob("*.json"):
            path.unlink()  # of a stand-in that is no more
        content = definition()
        tokens: dict[str, Any] = {
            "host_token": secrets.token_urlsafe(32),
            "teams": [{**team, "token": secrets.token_urlsafe(32)} for team in content["teams"]],
        }
        _put(url, f"/stand-in/challenges/{content['pk']}", challenge(content))
        host = {"name": content["host"], "token": tokens["host_token"]}
        for person in (host, *tokens["teams"]):
            _put(url, "/stand-in/people", person)
        # Last, so that half of a set-up is done again.
        write_privately(home / ACCESS, json.dumps(tokens, indent=2))
    return access(home)


def facts(home: Path) -> dict[str, Any]:
    """Return what cloud.json says of the challenge; it holds tokens."""
    kept, content = access(home), definition()
    return {
        "challenge": content["pk"],
        "phases": {phase["codename"]: phase["pk"] for phase in content["phases"]},
        "token": kept["host_token"],
        "teams": kept["teams"],
    }


def _put(url: str, path: str, body: Mapping[str, Any]) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=SECONDS)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("PUT", path, json.dumps(body), headers)
        response = connection.getresponse()
        said = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise InputError(
            "evalai", f"the stand-in at {url} does not answer: {error}", "run `glue local up`"
        ) from error
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise InputError("evalai", f"the stand-in refuses {path}: {said}", "run `glue local reset`")
