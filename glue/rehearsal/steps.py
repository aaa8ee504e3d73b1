"""The steps of a rehearsal up to the first peace: made, applied, planned again, checked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from glue.rehearsal.evidence import gather
from glue.rehearsal.inventory import inventory
from glue.rehearsal.planned import changes, counted, raise_retention
from glue.rehearsal.verbs import RehearsalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from glue.rehearsal.accounts import Account
    from glue.rehearsal.evidence import Evidence
    from glue.rehearsal.stage import Stage
    from glue.rehearsal.verbs import Outcome

EMPTY, CHANGES = 0, 2  # exit codes of `glue deploy plan`
PASSED, FAILED = 0, 2  # and of `glue check`
SHOWN = 8
REPOSITORY = "example/platform"  # whose workflows get roles; nothing is asked of GitHub
EVALAI, TRACK = "https://evalai.example.org", "leaderboard-10-SENSORS"
LOG_GROUP = "aws_cloudwatch_log_group"
RETENTION = "retention_in_days"


class Step(NamedTuple):
    """One step: a word, a title, and what it does, which yields what it saw."""

    name: str
    title: str
    act: Callable[[Stage], Iterator[str]]


def start(stage: Stage) -> Iterator[str]:
    """Start the cloud."""
    stage.cloud.up()
    accounts = ", ".join(f"{one.environment} = {one.account_id}" for one in stage.accounts)
    yield f"{stage.cloud.endpoint}, accounts {accounts}"


def bootstrap(stage: Stage) -> Iterator[str]:
    """Make what an account has once: the bucket of the state, the roles of CI."""

    def act(account: Account) -> frozenset[str]:
        name = account.environment
        options = ("--confirm", name, "--repository", REPOSITORY)
        stage.verbs.run(account, "deploy", "bootstrap", "--env", name, *options)
        return inventory(account)

    for account, held in zip(stage.accounts, stage.both(act), strict=True):
        stage.empty[account.environment] = held
        if f"s3 {account.state_bucket}" not in held:
            raise RehearsalError(
                "bootstrap", f"there is no bucket {account.state_bucket}", "read its log"
            )
        yield f"{account.environment}: state in {account.state_bucket}"


def package(stage: Stage) -> Iterator[str]:
    """Build the Lambda packages once, for both."""
    outcome = stage.verbs.run(stage.staging, "deploy", "package", "--env", "staging")
    yield ", ".join(outcome.out.split("\n")).strip(", ")


def plan(stage: Stage) -> Iterator[str]:
    """Plan both."""
    stage.both(lambda account: run_plan(stage, account, CHANGES))
    for account in stage.accounts:
        yield f"{account.environment}: {counted(changes(account))}"


def apply(stage: Stage) -> Iterator[str]:
    """Apply both plans at the same time."""
    for outcome in stage.both(lambda account: run_apply(stage, account, "--no-verify")):
        yield f"{outcome.environment}: applied in {outcome.seconds:.0f} s"


def plan_again(stage: Stage) -> Iterator[str]:
    """Plan again: a configuration that is right finds nothing to do."""

    def act(account: Account) -> None:
        run_plan(stage, account, EMPTY)
        settle(stage, account)

    stage.both(act)
    for account in stage.accounts:
        yield f"{account.environment}: no changes; {stage.settled[account.environment]}"


def connect(stage: Stage) -> Iterator[str]:
    """Tell both where EvalAI is, as a person does once: Terraform makes these secrets empty."""

    def act(account: Account) -> None:
        told = ("--server", EVALAI, "--track", f"1={TRACK}")
        where = ("--env", account.environment)
        stage.verbs.run(
            account, "leaderboard", "connect", *told, *where, typed="no-token-but-a-rehearsal\n"
        )

    stage.both(act)
    yield f"both know {EVALAI} and that its phase 1 is {TRACK}"


def check(stage: Stage) -> Iterator[str]:
    """Run the deployment checks of both."""

    def act(account: Account) -> Outcome:
        name = account.environment
        return stage.verbs.run(account, "check", name, "--json", expected=(PASSED, FAILED))

    for outcome in stage.both(act):
        checks = json.loads(outcome.out)["checks"]
        failed = [one for one in checks if one["status"] == "fail"]
        if failed or outcome.code != PASSED:
            told = "".join(f"\n{one['id']}: {one['found']}" for one in failed[:SHOWN])
            raise RehearsalError(
                f"{outcome.environment}: check",
                f"{len(failed)} of {len(checks)} checks failed{told}",
                f"read {outcome.log}",
                str(outcome.log),
            )
        counts = {
            status: sum(one["status"] == status for one in checks)
            for status in ("pass", "simulated", "not_covered")
        }
        told = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items())
        yield f"{outcome.environment}: {len(checks)} checks: {told}"


def change(stage: Stage) -> Iterator[str]:
    """Change a variable of prod: the plan shows just that, and staging does not move."""
    before, after = raise_retention(stage.prod)
    run_plan(stage, stage.prod, CHANGES)
    found = changes(stage.prod)
    others = [
        one.address
        for one in found
        if (one.type, one.actions, one.attributes) != (LOG_GROUP, ("update",), (RETENTION,))
    ]
    if others:
        raise RehearsalError(
            "change",
            f"logs.retention_days {before} → {after} would also change {', '.join(others[:5])}",
            f"see {stage.prod.plan_folder / 'summary.md'}",
        )
    yield f"prod: retention of logs {before} → {after} days changes {len(found)} log groups alone"
    run_apply(stage, stage.prod)
    yield "prod: applied; its second plan is empty"
    settle(stage, stage.prod)
    yield f"staging did not move: {unmoved(stage, stage.staging)}"


STEPS = (
    Step("cloud", "one local cloud with two accounts", start),
    Step("bootstrap", "what an account has once: the bucket of the state, roles of CI", bootstrap),
    Step("package", "the Lambda packages", package),
    Step("plan", "the plans of staging and prod, from their real variables", plan),
    Step("apply", "both applied at the same time", apply),
    Step("plan again", "planned again: nothing may be left to do", plan_again),
    Step("connect", "the secrets of EvalAI get their values", connect),
    Step("check", "the deployment checks", check),
    Step("change", "a variable of prod is changed", change),
)


# --- what steps share ---------------------------------------------------------------------------


def run_plan(stage: Stage, account: Account, code: int) -> Outcome:
    """Plan an environment, which must end with this code."""
    name = account.environment
    return stage.verbs.run(account, "deploy", "plan", "--env", name, expected=(code,))


def run_apply(stage: Stage, account: Account, *options: str) -> Outcome:
    """Apply an environment's saved plan."""
    name = account.environment
    confirm = ("--confirm", name) if account is stage.prod else ()
    return stage.verbs.run(account, "deploy", "apply", "--env", name, *confirm, *options)


def settle(stage: Stage, account: Account) -> None:
    """Remember how an environment is now, as it was changed on purpose."""
    stage.settled[account.environment] = gather(account)


def unmoved(stage: Stage, account: Account) -> Evidence:
    """Return the evidence of an environment, which must be that of when it was last settled.

    Raises RehearsalError saying what has moved.
    """
    now = gather(account)
    moved = stage.settled[account.environment].differences(now)
    if moved:
        raise RehearsalError(
            f"{account.environment}: unmoved",
            "; ".join(moved),
            "something reached over from the other account",
        )
    return now
