"""`glue leaderboard connect`: how an environment and EvalAI know each other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glue.cli.leaderboard_place import Place, find_place
from glue.cli.options import AsJson, EnvironmentName, somebody_is_there
from glue.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from glue.leaderboard.connection import Connection, SendingKey

NOT_CONNECTED = 2


def connect(
    server: Annotated[
        str | None, typer.Option("--server", help="EvalAI's address, such as https://eval.ai.")
    ] = None,
    renew_token: Annotated[
        bool, typer.Option("--renew-token", help="Write another token; the address stays.")
    ] = False,
    track: Annotated[
        list[str] | None,
        typer.Option(
            "--track",
            metavar="PHASE=TRACK",
            help="The track of a phase, such as 12=leaderboard-10-SENSORS; may be given again.",
        ),
    ] = None,
    remove_track: Annotated[
        list[str] | None,
        typer.Option("--remove-track", metavar="PHASE", help="Forget a phase's track."),
    ] = None,
    sending_key: Annotated[
        bool,
        typer.Option(
            "--sending-key", help="Make the access key that EvalAI sends with, and show it once."
        ),
    ] = False,
    delete_sending_key: Annotated[
        str | None, typer.Option("--delete-sending-key", metavar="ID", help="Delete such a key.")
    ] = None,
    env: EnvironmentName = "local",
    as_json: AsJson = False,
) -> None:
    """Tell an environment where EvalAI is and whose its phases are; without options, show it.

    The token of a host is typed at a prompt, or read from standard input; it is never an option
    and never shown. The functions notice within five minutes. Without options, exit code 2 says
    that something is missing.
    """
    place = find_place(env)
    only_shows = not (
        server or renew_token or track or remove_track or sending_key or delete_sending_key
    )
    connection = place.connection()
    if server is not None or renew_token:
        connection.write_access(server, _token())
    if track or remove_track:
        connection.write_tracks(track or [], remove_track or [], place.leaderboards)
    key = _keys(place, make=sending_key, deleted=delete_sending_key)
    found = _state(connection)
    if as_json:
        shown = {} if key is None else {"sending_key": {"id": key.key_id, "secret": key.secret}}
        print_json({"environment": env, **found, **shown})
    else:
        _print(found, key)
    if not (found["server"] and found["has_token"] and found["tracks"]):
        say("not connected yet: --server asks for the token, --track names the phases' tracks")
        raise typer.Exit(NOT_CONNECTED if only_shows else 0)


def _token() -> str:
    """Return the token: typed where nobody sees it, or the first line of standard input."""
    if somebody_is_there():
        return str(typer.prompt("EvalAI's token of a host of the challenges", hide_input=True))
    return sys.stdin.readline()


def _keys(place: Place, *, make: bool, deleted: str | None) -> SendingKey | None:
    from glue.leaderboard import connection

    if not make and deleted is None:
        return None
    client, user = place.environment.client("iam"), place.evalai["user_name"]
    if deleted is not None:
        connection.delete_sending_key(client, user, deleted)
        say(f"{user}: the key {deleted} is deleted")
    return connection.make_sending_key(client, user) if make else None


def _state(connection: Connection) -> dict[str, Any]:
    return {
        "server": connection.server() or None,
        "has_token": connection.has_token(),
        "token_ends": connection.token_ends() or None,
        "tracks": connection.tracks(),
    }


def _print(found: dict[str, Any], key: SendingKey | None) -> None:
    print(f"server: {found['server'] or 'none'}")
    ends = f", until {found['token_ends']}" if found["token_ends"] else ""
    print(f"token: {'written' + ends if found['has_token'] else 'none'}")
    print()
    print_table(("phase", "track"), sorted(found["tracks"].items()), "no tracks")
    if key is not None:
        print()
        print_table(("", "value"), [("access key", key.key_id), ("secret", key.secret)])
        say("The secret is shown only now; write both into the challenge's settings at EvalAI.")
