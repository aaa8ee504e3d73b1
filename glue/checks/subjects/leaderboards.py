"""A leaderboard can take a submission and bring it to an end: table, parameters, states, rights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from glue.checks import inventory
from glue.checks.check import Check, Finding
from glue.checks.run import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glue.checks.context import Context
    from glue.checks.report import Result

NAME = "leaderboards"
PLAN = "`glue deploy plan --env ENV` shows what differs from the code; apply it"

KEYS = {"": ("team-id", "submission-id"), "by-submission": ("submission-id",)}
KEYS |= {"by-state": ("state", "updated_at")}
PARAMETERS = frozenset(
    {
        "name", "endpoint", "certificate_authority", "simulator_image", "leaderboard_image",
        "logcopy_image", "s3_bucket", "dynamodb_submissions_table", "cloudwatch_log_group",
    }
)  # fmt: skip
# Which parameter is what the outputs name, too.
SAID = {
    "s3_bucket": "bucket",
    "dynamodb_submissions_table": "table",
    "cloudwatch_log_group": "log_group",
}
SPEAKING = ("run_submission", "reconcile_submissions")  # functions that speak to the cluster
NAMESPACE, POLICY = "jobs", "AmazonEKSEditPolicy"

TABLE = Check(
    NAME, "leaderboard-table-keys", "critical",
    "keyed by team and submission, with indexes by submission and by state",
    "keys cannot be changed: " + PLAN + ", which makes the table anew; its items have to be copied",
)  # fmt: skip
SECRET = Check(
    NAME, "leaderboard-parameters", "critical",
    "exactly the nine parameters, none empty, about this cluster, bucket, table and log group",
    PLAN + "; it writes the secret anew",
)  # fmt: skip
MACHINE = Check(
    NAME, "state-machine", "critical",
    "an active Standard state machine in which every task is tried again and every failure caught",
    PLAN,
)  # fmt: skip
WATCHED = Check(
    NAME, "state-machine-watched", "medium", "errors of executions are logged, and traced", PLAN
)
ACCESS = Check(
    NAME, "leaderboard-cluster-access", "critical",
    f"functions may edit the namespace {NAMESPACE} of the cluster, and nothing else of it",
    PLAN, "EKS",
)  # fmt: skip
BOARD = Check(NAME, "leaderboard-dashboard", "low", "its dashboard is there", PLAN)


def ask(context: Context) -> Iterator[Result]:
    """Ask every leaderboard that the outputs name."""
    boards = inventory.leaderboards(context)
    yield from TABLE.each(context, boards, lambda one: _table(context, one["table"]))
    yield from SECRET.each(context, boards, lambda one: _parameters(context, one))
    yield from MACHINE.each(context, boards, lambda one: _machine(_described(context, one)))
    yield from WATCHED.each(context, boards, lambda one: _watched(_described(context, one)))
    yield from ACCESS.each(context, _speakers(context, boards), lambda n: _access(context, n))
    yield from BOARD.each(context, boards, lambda one: _board(context, one["dashboard"]))


def _table(context: Context, name: str) -> Finding:
    table = context.aws("dynamodb").describe_table(TableName=name)["Table"]
    schemas = {"": table["KeySchema"]}
    schemas |= {i["IndexName"]: i["KeySchema"] for i in table.get("GlobalSecondaryIndexes", [])}
    found = {
        index: tuple(key["AttributeName"] for key in sorted(schema, key=lambda k: k["KeyType"]))
        for index, schema in schemas.items()
    }
    wrong = [index or "table" for index, keys in KEYS.items() if found.get(index) != keys]
    shown = ", ".join(f"{index or 'table'} {'/'.join(keys)}" for index, keys in found.items())
    return Finding(not wrong, f"wrong: {', '.join(wrong)}; {shown}" if wrong else shown)


def _parameters(context: Context, board: Mapping[str, Any]) -> Finding:
    answer = context.aws("secretsmanager").get_secret_value(SecretId=board["parameters_secret_arn"])
    try:
        held = json.loads(answer.get("SecretString") or "")
    except ValueError:
        held = None
    if not isinstance(held, dict):
        return Finding(False, "not a JSON object")
    empty = sorted(name for name in PARAMETERS if not held.get(name))
    wanted = {name: board[key] for name, key in SAID.items()}
    wanted["name"] = inventory.output(context, "cluster", "name")
    other = [
        f"{name} is {held[name]}, not {value}"
        for name, value in wanted.items()
        if held.get(name) and held[name] != value
    ]
    parts = [f"missing or empty: {', '.join(empty)}"] if empty else []
    if more := sorted(set(held) - PARAMETERS):
        parts.append(f"unknown: {', '.join(more)}")
    return Finding(not parts + other, "; ".join(parts + other) or f"{len(held)} parameters")


def _described(context: Context, board: Mapping[str, Any]) -> dict[str, Any]:
    arn = board["state_machine_arn"]
    described: dict[str, Any] = context.once(
        ("state machine", arn),
        lambda: context.aws("stepfunctions").describe_state_machine(stateMachineArn=arn),
    )
    return described


def _machine(described: Mapping[str, Any]) -> Finding:
    states = json.loads(described["definition"])["States"]
    tasks = {name: state for name, state in states.items() if state["Type"] == "Task"}
    parts = [
        f"{name} without {word}"
        for name, task in tasks.items()
        for word in ("Retry", "Catch", "TimeoutSeconds")
        if not task.get(word)
    ]
    kind, status = described["type"], described.get("status", "ACTIVE")
    if (kind, status) != ("STANDARD", "ACTIVE"):
        parts.insert(0, f"{kind}, {status}")
    if not tasks:
        parts.append("no task")
    return Finding(not parts, "; ".join(parts) or f"{len(tasks)} tasks of {len(states)} states")


def _watched(described: Mapping[str, Any]) -> Finding:
    level = (described.get("loggingConfiguration") or {}).get("level", "OFF")
    is_traced = bool((described.get("tracingConfiguration") or {}).get("enabled"))
    text = f"log {level}, {'traced' if is_traced else 'not traced'}"
    return Finding(level != "OFF" and is_traced, text)


def _speakers(context: Context, boards: Mapping[str, Any]) -> list[str]:
    """Return the names of functions that speak to the cluster."""
    live = inventory.functions(context) if boards else {}
    named = [board["functions"][key] for board in boards.values() for key in SPEAKING]
    return sorted(name for name in named if name in live)


def _access(context: Context, function: str) -> Finding:
    role = inventory.functions(context)[function]["Role"]
    cluster = inventory.output(context, "cluster", "name")
    client = context.aws("eks")
    try:
        found = client.list_associated_access_policies(clusterName=cluster, principalArn=role)
    except client.exceptions.ResourceNotFoundException:
        return Finding(False, "no access entry")
    policies = [
        (one["policyArn"].rpartition("/")[2], tuple(one["accessScope"].get("namespaces") or ("*",)))
        for one in found["associatedAccessPolicies"]
    ]
    shown = ", ".join(f"{policy} in {'/'.join(where)}" for policy, where in policies)
    return Finding(policies == [(POLICY, (NAMESPACE,))], shown or "no policy")


def _board(context: Context, name: str) -> Finding:
    client = context.aws("cloudwatch")
    found = client.list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
    is_there = any(one["DashboardName"] == name for one in found)
    return Finding(is_there, name if is_there else f"{name} is missing")


SUBJECT = Subject(
    NAME, "Leaderboards: table, parameters, state machine, rights in the cluster.", ask,
    (TABLE, SECRET, MACHINE, WATCHED, ACCESS, BOARD),
)  # fmt: skip
