"""Why a saved plan may not be applied: every reason at once, each with what to do about it."""

from __future__ import annotations

import math
import os
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from glue.deploy.plans.seal import CONTENT, FORMAT, KINDS, PLAN, SEAL, Seal, changed_files, sha256
from glue.errors import Conflict, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glue.deploy.environments import Environment
    from glue.deploy.plans.seal import Circumstances, State
    from glue.deploy.plans.summary import Summary

HOURS_VARIABLE = "PROVING_GROUND_PLAN_HOURS"
HOURS = 24.0
CLOCK_TOLERANCE_HOURS = 0.1
# Environments that may be applied without their name being typed, and from uncommitted files.
INFORMAL = ("local", "staging")
MOST_NAMED = 5


class Refusal(NamedTuple):
    """One reason, with a word for programs, and what to do next."""

    code: str
    message: str
    remedy: str

    def to_dict(self) -> dict[str, str]:
        """Return the reason for programs."""
        return self._asdict()


class Refused(Conflict):
    """A plan that may not be applied. Its code is that of the reason when there is but one."""

    def __init__(self, environment: str, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        one = self.refusals[0]
        if len(self.refusals) == 1:
            message, remedy, code = one.message, one.remedy, one.code
        else:
            numbered = list(enumerate(self.refusals, 1))
            message = "".join(f"\n  {n}. {r.message} [{r.code}]" for n, r in numbered)
            remedies = list(dict.fromkeys(r.remedy for r in self.refusals))
            remedy = "; ".join(remedies)
            code = "refused"
        super().__init__(f"apply to {environment}", f"refused: {message}", remedy, code)


def is_guarded(environment: str) -> bool:
    """Tell whether an environment is one that counts: prod, and any other of that sort."""
    return environment not in INFORMAL


def replan(environment: str) -> str:
    """Return the remedy of most refusals."""
    return f"run `glue deploy plan --env {environment}` and read it"


def read_sealed(environment: str, folder: Path) -> Seal:
    """Return the seal of the plan in a folder, having compared the plan with it.

    Raises Refused when there is no plan, and when the plan, its JSON or its seal is not as it
    was written.
    """
    again = replan(environment)
    if not (folder / PLAN).is_file() or not (folder / SEAL).is_file():
        raise Refused(
            environment, [Refusal("no_plan", f"there is no plan for {environment}", again)]
        )
    try:
        seal = Seal.read(folder)
    except (ValueError, TypeError) as error:
        text = f"the seal was changed after it was made ({error})"
        raise Refused(environment, [Refusal("tampered_seal", text, again)]) from error
    found = []
    if seal.format != FORMAT:
        text = f"the plan's seal has format {seal.format}, this glue writes {FORMAT}"
        found.append(Refusal("other_format", text, again))
    for name, meant, code in (
        (PLAN, seal.plan_sha256, "tampered_plan"),
        (CONTENT, seal.json_sha256, "tampered_json"),
    ):
        if sha256(folder / name) != meant:
            found.append(Refusal(code, f"{name} is not the file that was sealed", again))
    if found:
        raise Refused(environment, found)
    return seal


# --- where, from what, when ---------------------------------------------------------------------


def of_place(environment: Environment, seal: Seal, now: Mapping[str, Any]) -> list[Refusal]:
    """Return the reasons that lie in where the plan was made for; `now` as surroundings() says."""
    name, again = environment.name, replan(environment.name)
    found = []
    if seal.environment != name or seal.workspace != name:
        text = f"the plan is for {seal.environment} in workspace {seal.workspace}, not for {name}"
        found.append(Refusal("other_workspace", text, again))
    if "default" in (seal.workspace, name):
        text = "the plan is for Terraform's workspace `default`, which belongs to no environment"
        found.append(Refusal("default_workspace", text, "name an environment: --env NAME"))
    if seal.account_id != now["account_id"]:
        text = f"the plan is for account {seal.account_id}, these credentials are of "
        remedy = f"use the profile of account {seal.account_id} (AWS_PROFILE)"
        found.append(Refusal("other_account", text + now["account_id"], remedy))
    if environment.facts.account_id != now["account_id"]:
        text = f"{name} lives in account {environment.facts.account_id}, these credentials are of "
        remedy = f"use the profile of account {environment.facts.account_id} (AWS_PROFILE)"
        if not any(one.code == "other_account" for one in found):
            found.append(Refusal("other_account", text + now["account_id"], remedy))
    if seal.region != now["region"]:
        text = f"the plan is for region {seal.region}, {name} is now in {now['region']}"
        found.append(Refusal("other_region", text, again))
    if seal.endpoint != now["endpoint"]:
        text = f"the plan is for {_place(seal.endpoint)}, commands go to {_place(now['endpoint'])}"
        remedy = "set AWS_ENDPOINT_URL as it was for the plan, or plan again"
        found.append(Refusal("other_endpoint", text, remedy))
    return found


def of_source(environment: Environment, seal: Seal, now: Mapping[str, Any]) -> list[Refusal]:
    """Return the reasons that lie in what the plan was made from."""
    name, again = environment.name, replan(environment.name)
    found = []
    if seal.commit != now["commit"]:
        text = f"the plan is from commit {_short(seal.commit)}, now it is {_short(now['commit'])}"
        remedy = f"check out {_short(seal.commit)}, or plan again: `glue deploy plan --env {name}`"
        found.append(Refusal("other_commit", text, remedy))
    if is_guarded(name) and (seal.is_dirty or now["is_dirty"]):
        when = "the plan was made from" if seal.is_dirty else "there are now"
        text = f"{when} uncommitted changes, and {name} is only made from commits"
        found.append(Refusal("dirty_tree", text, f"commit or remove them, then {again}"))
    for kind in KINDS:
        if files := changed_files(seal.inputs.get(kind, {}), now["inputs"].get(kind, {})):
            named = ", ".join(files[:MOST_NAMED])
            named += f" and {len(files) - MOST_NAMED} more" if len(files) > MOST_NAMED else ""
            text = f"{kind.replace('_', ' ')} changed since the plan was made: {named}"
            found.append(Refusal(f"changed_{kind}", text, again))
    return found


def of_age(environment: str, seal: Seal) -> list[Refusal]:
    """Return the reason that lies in how old a plan is, if it does."""
    most = plan_hours()
    if seal.age_hours < -CLOCK_TOLERANCE_HOURS:
        text = f"the plan was made in the future, at {seal.made_at:%Y-%m-%d %H:%M} UTC"
        return [Refusal("old_plan", text, "set this machine's clock, then plan again")]
    if seal.age_hours <= most:
        return []
    text = f"the plan is {seal.age_hours:.1f} h old, and plans are good for {most:g} h"
    return [Refusal("old_plan", text, replan(environment))]


def of_terraform(environment: str, seal: Seal, now: Circumstances) -> list[Refusal]:
    """Return the reasons that lie in what Terraform says: its workspace, version and state."""
    again = replan(environment)
    found = []
    if now.workspace != environment:
        text = f"the selected workspace is {now.workspace}, not {environment}"
        code = "default_workspace" if now.workspace == "default" else "other_workspace"
        found.append(Refusal(code, text, again))
    if now.terraform != seal.terraform:
        text = f"the plan was made by Terraform {seal.terraform}, this is {now.terraform}"
        found.append(Refusal("other_terraform", text, again))
    if now.state != seal.state:
        text = f"the state has moved on: {_state(seal.state)} then, {_state(now.state)} now"
        found.append(Refusal("state_moved", text, again))
    return found


# --- what was agreed to -------------------------------------------------------------------------


def of_losses(environment: str, summary: Summary, allow: Sequence[str]) -> list[Refusal]:
    """Return a reason for each loss of data that nobody allowed, and for each idle permission."""
    found = []
    for change in summary.data_losses:
        if change.address not in allow:
            text = f"would lose: {change.loss or change.data_loss} ({change.address})"
            remedy = f"to lose it, add `--allow {shlex.quote(change.address)}`"
            found.append(Refusal("data_loss", text, remedy))
    known = {change.address for change in summary.changes}
    for address in dict.fromkeys(allow):
        if address not in known:
            text = f"--allow {address} names nothing that the plan changes"
            remedy = f"copy addresses from the summary in build/plans/{environment}/summary.md"
            found.append(Refusal("unknown_allow", text, remedy))
    return found


def of_confirmation(environment: str, confirm: str) -> list[Refusal]:
    """Return the reason that an environment's name was not given, or not the right one."""
    remedy = f"add `--confirm {environment}`"
    if confirm and confirm != environment:
        text = f"{confirm!r} is not the environment's name"
        return [Refusal("not_confirmed", text, remedy)]
    if is_guarded(environment) and not confirm:
        text = f"{environment} is applied only when its name is given again"
        return [Refusal("not_confirmed", text, remedy)]
    return []


def plan_hours() -> float:
    """Return for how many hours a plan is good. Raises InputError for what is no such number."""
    text = os.environ.get(HOURS_VARIABLE, "")
    if not text:
        return HOURS
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not 0 < hours < math.inf:
        raise InputError(HOURS_VARIABLE, f"{text!r} is no number of hours", "write one, such as 24")
    return hours


def _place(endpoint: str | None) -> str:
    """Name where commands go."""
    return endpoint or "AWS itself"


def _short(commit: str | None) -> str:
    """Name a commit as git does in short."""
    return commit[:10] if commit else "none (outside git)"


def _state(state: State | None) -> str:
    """Name a state by its serial."""
    return f"serial {state.serial} of {state.lineage}" if state else "there was none"
