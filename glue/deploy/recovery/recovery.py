"""After an apply that was killed: taking up what it made and the state does not know.

Terraform writes the state to its bucket every twenty seconds at most, and lets nobody make that
shorter. What a killed apply made since would be made a second time by the next one. Its log has
the address and the id of each, so they are imported before the next plan.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from glue.deploy.plans.seal import CONTENT
from glue.deploy.process import TerraformError
from glue.deploy.project import write_json
from glue.deploy.recovery.adoption import (
    belongs_to_parts,
    is_named_otherwise,
    is_repeatable,
    one_of,
    planned_of,
    traces,
)
from glue.deploy.recovery.imports import Imports, providers_of
from glue.deploy.recovery.search import Search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from glue.deploy.environments import Environment
    from glue.deploy.recovery.adoption import Traces
    from glue.deploy.terraform import Terraform

JOURNAL = "applying.json"
UNSAVED = "errored.tfstate"
ORDINARY_FAILURE = 1

# What `terraform import` says of something that AWS does not have.
NON_EXISTENT = "Cannot import non-existent remote object"

STARTED = re.compile(r"^(?P<address>\S.*): Creating\.\.\.$", re.MULTILINE)
CREATED = re.compile(
    r"^(?P<address>\S.*): Creation complete after \S+(?: \[id=(?P<id>.*)\])?$", re.MULTILINE
)


class Made(NamedTuple):
    """Something that a killed apply made, and the id that AWS gave it."""

    address: str
    id: str


class Interruption(NamedTuple):
    """What a killed apply did that the state does not know."""

    made: tuple[Made, ...]
    # Begun and never reported as done: they may exist or not.
    unsure: tuple[str, ...]


def begin(environment: Environment) -> None:
    """Note that an apply is at work, and what it is to make.

    What is left of the note tells the next plan that it died. Planned values may be secret, so
    the note is for its owner only, like the plan.
    """
    file = environment.project.plan_folder(environment.name) / CONTENT
    plan = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    planned = {
        change["address"]: change["change"]["after"]
        for change in plan.get("resource_changes", [])
        if change["mode"] == "managed" and "create" in change["change"]["actions"]
    }
    began = datetime.now(UTC).isoformat(timespec="seconds")
    content = {"began": began, "planned": planned, "providers": providers_of(plan)}
    write_json(journal(environment), content, mode=0o600)


def end(environment: Environment, error: TerraformError | None = None) -> None:
    """Take the note away, unless the error is that of a terraform that was killed.

    One that fails in the ordinary way has written its state.
    """
    if error is None or error.exit_code == ORDINARY_FAILURE:
        journal(environment).unlink(missing_ok=True)


def journal(environment: Environment) -> Path:
    """Return the file that is there while an apply is at work."""
    return environment.project.terraform_folder(environment.name) / JOURNAL


def recover(
    environment: Environment, terraform: Terraform, on_line: Callable[[str], None] | None = None
) -> tuple[str, ...]:
    """Bring the state up to what an earlier apply did, and return what a reader should know.

    Nothing is done, and nothing returned, when the last apply ended as it should.
    """
    notes = _push_unsaved(environment, terraform)
    if not journal(environment).is_file():
        return notes
    log = terraform.folder / "logs" / "apply.log"
    text = log.read_text(encoding="utf-8") if log.is_file() else ""
    note = json.loads(journal(environment).read_text(encoding="utf-8"))
    recovery = Recovery(environment, terraform, note, on_line)
    recovery.run(text)
    end(environment)
    return (*notes, *recovery.notes())


class Recovery:
    """One recovery: what was taken up, and what was not."""

    def __init__(
        self,
        environment: Environment,
        terraform: Terraform,
        note: Mapping[str, Any],
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.environment = environment
        self.terraform = terraform
        self.planned: Mapping[str, Mapping[str, Any]] = note.get("planned", {})
        self.providers: Mapping[str, str] = note.get("providers", {})
        self.on_line = on_line
        self.taken: list[str] = []
        # Made for certain, and refused by import.
        self.left: list[str] = []
        # Several things in AWS may be the one that was being made.
        self.doubtful: list[str] = []
        # AWS has nothing that could be it.
        self.absent: list[str] = []

    def run(self, log: str) -> None:
        """Import all that the log of a killed apply speaks of and the state does not have.

        What AWS lets be made again as it is, such as a policy of a bucket, needs no import.
        """
        found = interruption(log, self.terraform.pull_state())
        made = [one for one in found.made if not is_repeatable(one.address)]
        unsure = [address for address in found.unsure if not is_repeatable(address)]
        addresses = [*(one.address for one in made), *unsure]
        with Imports(
            self.environment, self.terraform, addresses, self.providers, self.planned
        ) as imports:
            later = [one for one in made if is_named_otherwise(one.address)]
            for one in made:
                if one not in later:
                    self._take_made(imports, one, one.id)
            imports.save()
            if not later and not unsure:
                return
            # Only now does the state have what the rest belongs to; some belongs to some of it.
            for is_last in (False, True):
                search = Search(self.environment, self.terraform.pull_state())
                for one in later:
                    if belongs_to_parts(one.address) is is_last:
                        given = one_of(search, planned_of(one.address, self.planned), one.id)
                        self._take_made(imports, one, given)
                imports.save()
            if unsure:
                search = Search(self.environment, self.terraform.pull_state())
                self._look_for(imports, search, unsure)
                imports.save()

    def _take_made(self, imports: Imports, one: Made, given: str) -> None:
        """Import something whose id is known."""
        if not self._take(imports, one.address, given):
            self.left.append(f"{one.address} (id {one.id})")

    def _look_for(self, imports: Imports, search: Search, unsure: Sequence[str]) -> None:
        """Import what AWS has of what was being made."""
        for trace in traces(search, [planned_of(address, self.planned) for address in unsure]):
            if not trace.names:
                self.absent.append(trace.address)
            elif not trace.is_certain or not self._take(imports, trace.address, *trace.import_ids):
                self._doubt(trace)

    def _doubt(self, trace: Traces) -> None:
        """Note a trace that was not taken up, by what an operator finds it by."""
        self.doubtful.append(f"{trace.address} ({', '.join(trace.names)})")

    def _take(self, imports: Imports, address: str, given: str) -> bool:
        """Import one thing; tell whether it will be in the state, or need not be."""
        if self.on_line:
            self.on_line(f"{address}: taken up from the interrupted apply [id={given}]")
        try:
            imports.take(address, given)
        except TerraformError as error:
            if NON_EXISTENT in error.message:
                self.absent.append(address)
                return True
            return False
        self.taken.append(address)
        return True

    def notes(self) -> Iterator[str]:
        """Say what became of what a killed apply made."""
        if self.taken:
            yield (
                f"the last apply was killed; what it had made was taken up: {', '.join(self.taken)}"
            )
        if self.left:
            yield (
                "the last apply was killed; made by it and not to be taken up by themselves, so "
                f"import or delete them before you apply: {', '.join(self.left)}"
            )
        if self.doubtful:
            yield (
                "the last apply was killed while it made these, and what AWS has may or may not "
                "be them, so import or delete it before you apply: "
                f"{', '.join(self.doubtful)}"
            )
        if self.absent:
            yield (
                "the last apply was killed while it made these; nothing of them was found, so "
                f"they are made now: {', '.join(self.absent)}"
            )


def interruption(log: str, state: dict[str, Any]) -> Interruption:
    """Compare the log of an apply with the state it left."""
    known = dict(instances(state))
    made = {found["address"]: found["id"] for found in CREATED.finditer(log)}
    begun = dict.fromkeys(found["address"] for found in STARTED.finditer(log))
    lost = (Made(address, given) for address, given in made.items() if given)
    return Interruption(
        made=tuple(one for one in lost if known.get(one.address) != one.id),
        unsure=tuple(a for a in begun if a not in made and a not in known),
    )


def instances(state: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield the address and the id of every managed object in a state."""
    for resource in state.get("resources", []):
        if resource["mode"] != "managed":
            continue
        name = f"{resource['type']}.{resource['name']}"
        name = f"{resource['module']}.{name}" if resource.get("module") else name
        for instance in resource.get("instances", []):
            if instance.get("deposed"):
                continue
            key = instance.get("index_key")
            index = "" if key is None else f"[{json.dumps(key, ensure_ascii=False)}]"
            yield f"{name}{index}", (instance.get("attributes") or {}).get("id")


def _push_unsaved(environment: Environment, terraform: Terraform) -> tuple[str, ...]:
    """Save a state that Terraform could only leave on disk, if it is of this environment."""
    path = environment.project.root / UNSAVED
    if not path.is_file():
        return ()
    unsaved = json.loads(path.read_text(encoding="utf-8"))
    present = terraform.pull_state()
    # The folder is that of all environments: the lineage tells whose it is.
    if unsaved.get("lineage") != present.get("lineage"):
        return ()
    if unsaved["serial"] > present["serial"]:
        terraform.push_state(unsaved)
    path.unlink()
    return ("the state that the last apply could not save was found on disk, and is saved now",)
