"""What functions are told: Terraform's outputs, what is deployed, and what the code reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "settings"
PLAN = "`glue deploy plan --env ENV`, then apply: it sets the environment as the code wants it"

READ = Check(
    NAME, "function-settings-read", "critical",
    "the function's environment holds exactly the PROVING_GROUND_ variables that its code reads",
    PLAN + "; if the plan is empty, Terraform and glue/settings.py do not belong together",
)  # fmt: skip
SAID = Check(
    NAME, "function-settings-output", "high",
    "what the function is told is what the outputs say: buckets, queues, client, environment",
    PLAN + "; somebody has changed it by hand, or the outputs file is of an older apply",
)  # fmt: skip
KNOWN = Check(
    NAME, "function-known", "medium",
    "every function of the outputs has a settings class, and every settings class a function",
    "name both alike in the root's output `functions` and in FUNCTION_SETTINGS of glue/settings.py",
)  # fmt: skip

# Where the outputs say what a function is told, too.
OUTPUTS = {
    "ENVIRONMENT": ("environment",),
    "INGEST_QUEUE_URL": ("recordings", "ingest_queue_url"),
    "PREPROCESS_QUEUE_URL": ("recordings", "preprocess_queue_url"),
    "PROCESSED_BUCKET": ("recordings", "processed_bucket"),
    "RAW_BUCKET": ("recordings", "raw_bucket"),
    "USER_POOL_CLIENT_ID": ("identity", "client_id"),
    "BUDGET_TABLE": ("evalai", "budget_table"),
    "EVALAI_SECRET_ARN": ("evalai", "secret_arn"),
    "TRACKS_SECRET_ARN": ("evalai", "tracks_secret_arn"),
}
# … and in what they say of the leaderboard that the function is of.
LEADERBOARDS = {
    "DEAD_LETTER_QUEUE_URL": "dead_letter_queue_url",
    "PARAMETERS_SECRET_ARN": "parameters_secret_arn",
    "QUEUE_URL": "queue_url",
    "STATE_MACHINE_ARN": "state_machine_arn",
}


def ask(context: Context) -> Iterator[Result]:
    """Compare all three, function by function; one that is not there is the subject `outputs`'."""
    from glue.settings import FUNCTION_SETTINGS, PREFIX

    named, live = inventory.named_functions(context), inventory.functions(context)
    deployed = {key: _told(live[name], PREFIX) for key, name in named.items() if name in live}
    classes = {key: _class_of(context, key) for key in named}

    def read(key: str) -> Finding | None:
        kind = FUNCTION_SETTINGS.get(classes[key])
        if kind is None:
            return None
        wanted = {field.upper() for field in kind.model_fields}
        return _compared(wanted, set(deployed[key]), "the code", "the function")

    yield from READ.each(context, list(deployed), read)
    yield from SAID.each(context, deployed, lambda told: _said(context, told))
    if named:
        ours = {
            classes[key]
            for key, name in named.items()
            if live.get(name, {}).get("Handler", "lambdas.").startswith("lambdas.")
        }
        yield from KNOWN.each(
            context,
            [""],
            lambda _: _compared(_wanted(context), ours, "the code", "the outputs"),
        )


def _wanted(context: Context) -> set[str]:
    """Return the settings classes that must have a function: a leaderboard's only with one."""
    from glue.settings import FUNCTION_SETTINGS, LeaderboardSettings

    boards = inventory.leaderboards(context)
    return {
        key
        for key, kind in FUNCTION_SETTINGS.items()
        if boards or not issubclass(kind, LeaderboardSettings)
    }


def _class_of(context: Context, key: str) -> str:
    """Return the key of FUNCTION_SETTINGS that the outputs name; the function's own without."""
    return str(inventory.output(context, "functions", key, "settings") or key)


def _told(function: dict[str, Any], prefix: str) -> dict[str, str]:
    """Return the variables of ours that a function has, without our prefix."""
    variables: dict[str, str] = function.get("Environment", {}).get("Variables", {})
    return {n.removeprefix(prefix): v for n, v in variables.items() if n.startswith(prefix)}


def _said(context: Context, told: dict[str, str]) -> Finding:
    said = {name: inventory.output(context, *path) for name, path in OUTPUTS.items()}
    if board := told.get("LEADERBOARD"):
        said |= {
            name: inventory.output(context, "leaderboards", board, key)
            for name, key in LEADERBOARDS.items()
        }
    both = [name for name in sorted(told) if said.get(name) is not None]
    wrong = [
        f"{name} is {told[name]}, not {said[name]}" for name in both if told[name] != said[name]
    ]
    return Finding(not wrong, "; ".join(wrong) or f"the same: {', '.join(both) or 'nothing'}")


def _compared(wanted: set[str], found: set[str], one: str, other: str) -> Finding:
    only_wanted, only_found = sorted(wanted - found), sorted(found - wanted)
    parts = []
    if only_wanted:
        parts.append(f"only {one}: {', '.join(only_wanted)}")
    if only_found:
        parts.append(f"only {other}: {', '.join(only_found)}")
    return Finding(not parts, "; ".join(parts) or f"{len(found)} in both")


SUBJECT = Subject(
    NAME, "Environment of functions: outputs, deployment and code agree.", ask, (READ, SAID, KNOWN)
)
