"""The steps in which something is wrong: drift by hand, the wrong account, another's plan."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from glue.rehearsal.evidence import instances, read_state
from glue.rehearsal.planned import changes
from glue.rehearsal.steps import (
    CHANGES,
    LOG_GROUP,
    RETENTION,
    Step,
    run_apply,
    run_plan,
    settle,
    unmoved,
)
from glue.rehearsal.verbs import RehearsalError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from glue.rehearsal.accounts import Account
    from glue.rehearsal.stage import Stage
    from glue.rehearsal.verbs import Outcome

CLEAN, FOUND, REFUSED = 0, 2, 1
DAYS_BY_HAND = 3
STRAY_QUEUE = "left-by-hand"


def drift(stage: Stage) -> Iterator[str]:
    """Change something of staging by hand, and find it; prod has no drift meanwhile."""
    group = log_group(stage.staging)
    logs = stage.staging.client("logs")
    logs.put_retention_policy(logGroupName=group["name"], retentionInDays=DAYS_BY_HAND)
    queue = make_stray_queue(stage.staging, group["tags_all"])
    yield f"by hand: {group['name']} keeps {DAYS_BY_HAND} days, a queue {STRAY_QUEUE} with our tags"

    def act(account: Account) -> Outcome:
        code = FOUND if account is stage.staging else CLEAN
        return run_drift(stage, account, code)

    found, _ = stage.both(act)
    report = json.loads(found.out)
    drifted = {
        (one["type"], difference["path"]): difference["severity"]
        for one in report["drifted"]
        for difference in one["differences"]
    }
    strays = {one["arn"]: one["severity"] for one in report["unmanaged"]}
    if set(drifted) != {(LOG_GROUP, RETENTION)} or set(strays) != {queue}:
        raise RehearsalError(
            "staging: drift",
            f"not just the two were found: {sorted(drifted)}, {sorted(strays)}",
            f"read {found.log}",
            str(found.log),
        )
    yield (
        f"staging: found both, exit code 2: the log group ({drifted[LOG_GROUP, RETENTION]}), "
        f"the queue ({strays[queue]})"
    )
    yield "prod: no drift, exit code 0"


def refuse(stage: Stage) -> Iterator[str]:
    """Try what must not be done, and read why it is refused."""
    staging, prod = stage.accounts
    astray = replace(staging, account_id=prod.account_id)
    outcome = refused(stage, astray, "deploy", "plan", "--env", "staging")
    yield f"staging planned with prod's credentials: {sentence(outcome)}"
    run_plan(stage, staging, CHANGES)
    planned = changes(staging)
    if [(one.type, one.attributes) for one in planned] != [(LOG_GROUP, (RETENTION,))]:
        addresses = ", ".join(one.address for one in planned)
        raise RehearsalError("staging: plan", f"it would mend not just that: {addresses}", "")
    yield "staging: the plan would mend the log group, and nothing else"
    outcome = refused(stage, astray, "deploy", "apply", "--env", "staging")
    yield f"staging applied with prod's credentials: {sentence(outcome)}"

    kept = prod.plan_folder.with_name("prod-kept")
    shutil.rmtree(kept, ignore_errors=True)
    if prod.plan_folder.exists():
        prod.plan_folder.rename(kept)
    shutil.copytree(staging.plan_folder, prod.plan_folder)
    outcome = refused(stage, prod, "deploy", "apply", "--env", "prod", "--confirm", "prod")
    shutil.rmtree(prod.plan_folder)
    if kept.exists():
        kept.rename(prod.plan_folder)
    yield f"staging's plan applied in prod: {sentence(outcome)}"
    yield f"prod did not move: {unmoved(stage, prod)}"


def mend(stage: Stage) -> Iterator[str]:
    """Mend staging: the plan is applied, the stray queue deleted; no drift is left."""
    run_apply(stage, stage.staging)
    queues = stage.staging.client("sqs")
    queues.delete_queue(QueueUrl=queues.get_queue_url(QueueName=STRAY_QUEUE)["QueueUrl"])
    run_drift(stage, stage.staging, CLEAN)
    settle(stage, stage.staging)
    yield "staging: applied, the queue deleted by hand; no drift, exit code 0"
    yield f"prod did not move: {unmoved(stage, stage.prod)}"


STEPS = (
    Step("drift", "staging is changed by hand, behind Terraform's back", drift),
    Step("refusals", "the wrong account, and another environment's plan", refuse),
    Step("mend", "an apply mends the drift", mend),
)


def log_group(account: Account) -> dict[str, Any]:
    """Return the attributes of the first log group in an environment's state."""
    _, state = read_state(account)
    groups = [values for kind, values in instances(state) if kind == LOG_GROUP]
    if not groups:
        raise RehearsalError(
            f"{account.environment}: drift", "its state holds no log group to change", ""
        )
    return min(groups, key=lambda values: str(values["name"]))


def make_stray_queue(account: Account, tags: dict[str, str]) -> str:
    """Make a queue with the tags that all of an environment's resources carry; return its ARN."""
    client = account.client("sqs")
    url = client.create_queue(QueueName=STRAY_QUEUE, tags=tags)["QueueUrl"]
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = answer["Attributes"]["QueueArn"]
    return arn


def run_drift(stage: Stage, account: Account, code: int) -> Outcome:
    """Look for drift in an environment, which must end with this code."""
    name = account.environment
    return stage.verbs.run(account, "deploy", "drift", "--env", name, "--json", expected=(code,))


def refused(stage: Stage, account: Account, *arguments: str) -> Outcome:
    """Run a verb that must be refused: exit code 1, one error with a remedy, no traceback.

    Raises RehearsalError when it is said otherwise.
    """
    outcome = stage.verbs.run(account, *arguments, expected=(REFUSED,))
    lines = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    if len(lines) != 1 or "what to do:" not in outcome.err or "Traceback" in outcome.err:
        raise RehearsalError(
            f"{outcome.environment}: {outcome.command}",
            f"it was not refused with one sentence:\n{outcome.end()}",
            f"read {outcome.log}",
            str(outcome.log),
        )
    return outcome


def sentence(outcome: Outcome) -> str:
    """Return the sentence of a refusal, without the word before it and without the remedy."""
    text = outcome.err[outcome.err.index("error: ") + len("error: ") :]
    return " ".join(text.split("what to do:")[0].split())
