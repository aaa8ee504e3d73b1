"""`glue leaderboard list | submissions | show | rerun`: what has become of submissions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glue.cli.leaderboard_place import Leaderboard, find_place
from glue.cli.options import AsJson, EnvironmentName
from glue.cli.output import print_json, print_table, say
from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from glue.leaderboard.storage import StoredObject
    from glue.leaderboard.table import SubmissionItem

SOME_STUCK = 2
LONGEST_REASON = 100  # characters in a table's cell

Name = Annotated[str, typer.Argument(metavar="NAME", help="The leaderboard: leaderboard-10, ….")]
Number = Annotated[
    int, typer.Argument(metavar="SUBMISSION", min=1, help="EvalAI's number of the submission.")
]


def list_leaderboards(env: EnvironmentName = "local", as_json: AsJson = False) -> None:
    """List the leaderboards: tracks, submissions by state, messages that wait or have failed."""
    place = find_place(env)
    tracks = place.connection().tracks()
    rows = [_summary(leaderboard, tracks) for leaderboard in place.leaderboards.values()]
    if as_json:
        print_json({"leaderboards": rows})
        return
    print_table(
        ("leaderboard", "tracks", "submissions", "stuck", "in the queue", "failed messages"),
        [
            (
                row["name"],
                ", ".join(sorted(set(row["tracks"].values()))) or "none: glue leaderboard connect",
                ", ".join(f"{count} {state}" for state, count in row["submissions"].items()) or "0",
                row["stuck"],
                row["messages"],
                row["dead_letters"],
            )
            for row in rows
        ],
    )


def submissions(
    name: Name,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help="Only those in this state; may be given again."),
    ] = None,
    stuck: Annotated[
        bool, typer.Option("--stuck", help="Only those that need somebody; exit code 2 if any.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
    env: EnvironmentName = "local",
    as_json: AsJson = False,
) -> None:
    """List a leaderboard's submissions, what changed last first."""
    found = _found(find_place(env).leaderboard(name), state or [])
    chosen = [item for item in found if item.finding or not stuck]
    chosen.sort(key=lambda item: item.updated_at or "", reverse=True)
    if as_json:
        print_json(
            {
                "leaderboard": name,
                "submissions": [_document(item) for item in chosen[:limit]],
                "all": len(chosen),
            }
        )
    else:
        _print_submissions(chosen[:limit])
        if len(chosen) > limit:
            say(f"there are {len(chosen) - limit} more: --limit {len(chosen)}")
    if stuck and chosen:
        raise typer.Exit(SOME_STUCK)


def show(
    name: Name, number: Number, env: EnvironmentName = "local", as_json: AsJson = False
) -> None:
    """Show all that is known of a submission: state, reason, times, metrics, files."""
    leaderboard = find_place(env).leaderboard(name)
    item = leaderboard.submission(number)
    objects = leaderboard.storage().objects(number)
    if as_json:
        stored = [found.to_dict() for found in objects]
        print_json({"leaderboard": name, **_document(item), "objects": stored})
        return
    _print_item(leaderboard, item)
    _print_objects(leaderboard, objects)


def rerun(
    name: Name,
    number: Number,
    keep_closed: Annotated[
        bool,
        typer.Option(
            "--keep-closed",
            help="Leave what EvalAI holds as finished or failed as it is; only ours is repeated.",
        ),
    ] = False,
    judge_only: Annotated[
        bool,
        typer.Option(
            "--judge-only",
            help="Run nothing: judge what the last run has stored again, as after a correction "
            "of the leaderboard's evaluation or of the phase at EvalAI.",
        ),
    ] = False,
    env: EnvironmentName = "local",
    as_json: AsJson = False,
) -> None:
    """Begin the next attempt at a submission, whatever the last one ended like."""
    from glue.leaderboard.attempts import Attempts
    from glue.leaderboard.names import execution_arn, execution_name
    from glue.leaderboard.rerun import rerun as begin

    leaderboard = find_place(env).leaderboard(name)
    machine = leaderboard.facts["state_machine_arn"]
    states = leaderboard.environment.client("stepfunctions")
    attempts = Attempts(leaderboard.table(), states, machine)
    run = begin(attempts, number, reopen=not keep_closed, judge_only=judge_only)
    if as_json:
        arn = execution_arn(machine, execution_name(number, run.attempt))
        print_json(
            {
                "leaderboard": name,
                "submission": number,
                "attempt": run.attempt,
                "reopen": run.reopen,
                "results_of": run.results_of,
                "execution": arn,
            }
        )
        return
    what = f", and judges the results of attempt {run.results_of}" if run.results_of else ""
    print(f"attempt {run.attempt} at {number} has begun{what}")
    print(f"see `glue leaderboard show {name} {number} --env {env}`")


def _summary(leaderboard: Leaderboard, tracks: dict[str, str]) -> dict[str, Any]:
    items = list(leaderboard.table().all())
    counts = Counter(str(item.state) for item in items)
    messages, dead_letters = leaderboard.messages()
    keys = ("table", "bucket", "log_group", "state_machine_arn")
    return {
        "name": leaderboard.name,
        "tracks": {
            phase: track
            for phase, track in tracks.items()
            if track.replace(":", "-").rpartition("-")[0] == leaderboard.name
        },
        "submissions": dict(sorted(counts.items())),
        "stuck": sum(bool(item.finding) for item in items),
        "messages": messages,
        "dead_letters": dead_letters,
        **{key: leaderboard.facts[key] for key in keys},
    }


def _found(leaderboard: Leaderboard, states: list[str]) -> list[SubmissionItem]:
    from glue.leaderboard.states import State

    if wrong := [state for state in states if state not in set(State)]:
        raise InputError(
            "state", f"{wrong[0][:40]!a} is no state", f"use one of {', '.join(State)}"
        )
    if not states:
        return list(leaderboard.table().all())
    chosen = {State(state) for state in states}
    return [item for state in sorted(chosen) for item in leaderboard.table().in_state(state)]


def _document(item: SubmissionItem) -> dict[str, Any]:
    return item.model_dump(mode="json")


def _print_submissions(items: Iterable[SubmissionItem]) -> None:
    print_table(
        ("submission", "team", "track", "attempt", "state", "routes", "score", "changed", "why"),
        [
            (
                item.submission,
                _short(item.team_name) or item.team,
                item.track,
                item.attempt,
                item.state,
                _routes(item),
                next((f"{value:.4g}" for value in item.metrics.values()), None),
                item.updated_at,
                _short(f"STUCK: {item.finding}" if item.finding else item.reason),
            )
            for item in items
        ],
        "no submissions",
    )


def _print_item(leaderboard: Leaderboard, item: SubmissionItem) -> None:
    rows = {
        "submission": item.submission,
        "leaderboard": leaderboard.name,
        "team": f"{item.team_name} ({item.team})" if item.team_name else item.team,
        "track": item.track,
        "image": item.image,
        "attempt": item.attempt,
        "state": item.state,
        "reason": f"{item.reason} [{item.reason_code}]" if item.reason_code else item.reason,
        "stuck": item.finding,
        "what to do": item.remedy,
        "at EvalAI": item.evalai_status,
        "routes": _routes(item),
        "submitted": item.submitted_at,
        "prepared": item.prepared_at,
        "launched": item.launched_at,
        "started": item.started_at,
        "ended": item.ended_at,
        "changed": item.updated_at,
        "job": item.job_name,
        "pod": item.pod,
        "node": item.node,
        "execution": item.execution,
        "logs": f"{leaderboard.facts['log_group']}, streams with {item.pod}" if item.pod else None,
        "results": item.results,
    }
    for key, value in rows.items():
        if value not in (None, ""):
            print(f"{key}: {_harmless(str(value))}")
    if item.metrics:
        print()
        print_table(
            ("metric", "value"), [(key, f"{value:.6g}") for key, value in item.metrics.items()]
        )


def _print_objects(leaderboard: Leaderboard, objects: list[StoredObject]) -> None:
    print()
    print_table(
        ("object", "bytes", "stored"),
        [(_harmless(found.key), found.size, found.modified) for found in objects],
        f"nothing is stored in {leaderboard.facts['bucket']}",
    )


def _routes(item: SubmissionItem) -> str | None:
    if item.routes_done is None and item.routes_expected is None:
        return None
    return f"{item.routes_done or 0}/{item.routes_expected or '?'}"


def _short(text: str) -> str:
    line = " ".join(_harmless(text).split())
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"


def _harmless(text: str) -> str:
    """Return strangers' text (a team's name, a file's, a log's lines) fit for a terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)
