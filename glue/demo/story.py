"""The demonstration of recordings: made, shipped, ingested, asked for, fetched and compared."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from glue.client.dataset import read_dataset, save_dataset
from glue.client.fetch import Fetcher
from glue.client.find import Question, find_all, find_objects, quarantined
from glue.client.progress import Silent, show_bytes
from glue.client.session import Session, path_of
from glue.client.ship import Options, ship_folders
from glue.client.transport import Transport
from glue.demo.fabricate import IMPOSSIBLE_DATE, NUMBER_OF_RECORDINGS, fabricate
from glue.demo.questions import questions
from glue.errors import InputError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from rich.console import Console

    from glue.client.profile import Profile
    from glue.client.session import Json
    from glue.demo.fabricate import Fabricated

SETTLED = frozenset({"processed", "quarantined"})
FINDABLE = frozenset({"complete", "processed", "quarantined"})
POLL_SECONDS = 0.05


class DemonstrationError(InputError):
    """Something is not as the demonstration expects it."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(
            step, message, "look at `glue local status` and build/local/launcher.log", "demo"
        )


@dataclass
class Seen:
    """What became of one recording: its last answer, and seconds from last byte to findable."""

    made: Fabricated
    outcome: str = ""
    bytes_sent: int = 0
    last_byte: float = 0.0
    findable_seconds: float | None = None
    answer: Json = field(default_factory=dict)


class Story:
    """One run of the demonstration.

    `profile_of(device, group)` returns a device's profile, and makes the device when needed;
    `patience` is how long, in seconds, the events may take.
    """

    def __init__(
        self,
        console: Console,
        folder: Path,
        profile_of: Callable[[str, str], Profile],
        patience: float,
    ) -> None:
        self._console = console
        self._folder = folder
        self._profile_of = profile_of
        self._patience = patience
        self._over = threading.Event()

    def tell(self, run: str, size_bytes: int, start: datetime) -> None:
        """Go through the whole story; raises `DemonstrationError` at the first surprise."""
        self._step(
            f"making {NUMBER_OF_RECORDINGS} recordings of three rigs "
            f"(made-up data, {show_bytes(size_bytes)} each)"
        )
        made = fabricate(self._folder / "rigs", run, size_bytes, start)
        self._lie_in_the_manifest(made)
        with (
            Session(self._profile_of("demo-operator", "operators")) as operator,
            Session(self._profile_of("demo-researcher", "researchers")) as researcher,
        ):
            seen = self._ship(made, operator)
            self._ship_again(seen)
            self._check_states(seen, operator)
            answers = self._ask(run, seen, researcher)
            self._fetch(answers, seen, researcher)
        self._close(seen)

    # --- the steps ------------------------------------------------------------------------

    def _lie_in_the_manifest(self, made: Iterable[Fabricated]) -> None:
        """Give the recording with that flaw a manifest whose checksum is of other bytes."""
        for one in made:
            if one.flaw != "a file differs from its manifest":
                continue
            listed = []
            for name in one.files:
                content = (one.folder / name).read_bytes()
                digest = hashlib.sha256(content[:-1] if name == one.files[0] else content)
                listed.append(
                    {
                        "name": name,
                        "size": len(content),
                        "sha256": digest.hexdigest(),
                        "part_size": 64 * 1024 * 1024,
                        "parts": [digest.hexdigest()],
                    }
                )
            document = {
                "schema": 1, "recording": one.name, "metadata": one.files[-1], "files": listed,
            }  # fmt: skip
            (one.folder / "manifest.json").write_text(json.dumps(document, indent=2))

    def _ship(self, made: list[Fabricated], operator: Session) -> dict[str, Seen]:
        self._step("shipping, each rig its own, and watching each become findable")
        seen = {one.name: Seen(one) for one in made}
        rigs = sorted({one.rig for one in made})
        with ThreadPoolExecutor(len(rigs) + 1) as pool:
            watcher = pool.submit(self._watch, seen, operator)
            shipping = [
                pool.submit(self._ship_rig, rig, [s for s in seen.values() if s.made.rig == rig])
                for rig in rigs
            ]
            try:
                for rig in shipping:
                    rig.result()
            except BaseException:
                self._over.set()
                raise
            watcher.result()
        return seen

    def _ship_rig(self, rig: str, todo: list[Seen]) -> None:
        with Session(self._profile_of(rig, "shippers")) as session:
            for one in todo:
                # A broken recording is shipped all the same: nothing raw is ever lost.
                options = Options(check=one.made.expected_state == "processed")
                (shipped,) = ship_folders([one.made.folder], session, options, Silent())
                if shipped.state == "failed":
                    raise DemonstrationError("ship", f"{one.made.name}: {shipped.reason}")
                one.last_byte = time.monotonic()
                one.outcome, one.bytes_sent = shipped.state, shipped.bytes_sent
                self._say(
                    f"{rig}  {one.made.name}  {shipped.state}, "
                    f"{show_bytes(shipped.bytes_sent)} in {shipped.seconds:.1f} s"
                )

    def _watch(self, seen: dict[str, Seen], operator: Session) -> None:
        """Ask for every recording until it is settled; note when it could first be found."""
        began, waiting = time.monotonic(), set(seen)
        while waiting and not self._over.is_set():
            for name in sorted(waiting):
                one = seen[name]
                if not one.last_byte:
                    continue
                try:
                    one.answer = operator.get(path_of("recordings", name))
                except NotFound:
                    continue
                state = one.answer["state"]
                if state in FINDABLE and one.findable_seconds is None:
                    one.findable_seconds = time.monotonic() - one.last_byte
                if state in SETTLED:
                    waiting.discard(name)
            # Patience is with the events alone, however long the shipping takes.
            last_byte = max(began, *(one.last_byte for one in seen.values()))
            if time.monotonic() > last_byte + self._patience:
                raise DemonstrationError(
                    "events",
                    f"{self._patience:.0f} s after the last byte these are not settled: "
                    f"{sorted(waiting)}",
                )
            time.sleep(POLL_SECONDS)

    def _ship_again(self, seen: dict[str, Seen]) -> None:
        (one,) = (s for s in seen.values() if s.made.flaw == "shipped twice")
        self._step(f"shipping {one.made.name} a second time")
        with Session(self._profile_of(one.made.rig, "shippers")) as session:
            (again,) = ship_folders([one.made.folder], session, Options(), Silent())
        if again.state != "already there" or again.bytes_sent:
            raise DemonstrationError("ship", f"{one.made.name} was sent twice: {again}")
        self._say("already there; nothing was sent")

    def _check_states(self, seen: dict[str, Seen], operator: Session) -> None:
        self._step("what the events made of them")
        for one in seen.values():
            state, reason = one.answer["state"], one.answer.get("reason")
            if state != one.made.expected_state:
                raise DemonstrationError(
                    "state",
                    f"{one.made.name} is {state} ({reason}), not {one.made.expected_state}",
                )
            if state == "processed":
                self._check_objects(one)
        listed = {one["recording"]: one["reason"] for one in quarantined(operator)}
        for one in seen.values():
            if one.made.expected_state != "quarantined":
                continue
            if not listed.get(one.made.name):
                raise DemonstrationError("quarantined", f"{one.made.name} is not listed")
            self._say(f"quarantined  {one.made.name}: {listed[one.made.name]}")
        strange = seen[IMPOSSIBLE_DATE].answer
        if strange["recorded_at"] is not None:
            raise DemonstrationError("recorded_at", f"{IMPOSSIBLE_DATE} got {strange}")
        self._say(f"{IMPOSSIBLE_DATE} is no date: kept under its name, its time is unknown")

    def _check_objects(self, one: Seen) -> None:
        kinds = [stored["kind"] for stored in one.answer["objects"]]
        raw = {s["key"].split("/")[-1]: s for s in one.answer["objects"] if s["kind"] == "raw"}
        for name in one.made.files:
            digest = hashlib.sha256((one.made.folder / name).read_bytes()).hexdigest()
            if name not in raw or raw[name]["sha256"] != digest or not raw[name]["version_id"]:
                raise DemonstrationError("objects", f"{one.made.name}/{name}: {raw.get(name)}")
        if "processed" not in kinds:
            raise DemonstrationError("objects", f"{one.made.name} has no processed object")
        for name, value in one.made.attributes.items():
            if one.answer["attributes"].get(name) != value:
                raise DemonstrationError(
                    "attributes", f"{one.made.name}: {name} is not {value!r}: {one.answer}"
                )

    def _ask(self, run: str, seen: dict[str, Seen], researcher: Session) -> list[str]:
        """Ask three questions, compare each answer with what was made; return the first."""
        self._step("three questions of a researcher")
        good = [one.made for one in seen.values() if one.made.expected_state == "processed"]
        answers = []
        for asked in questions(run, good):
            found = sorted(one["recording"] for one in find_all(researcher, asked.question))
            self._say(asked.command())
            self._say(f"    {len(found)} found")
            if found != asked.expected:
                raise DemonstrationError("find", f"found {found}, expected {asked.expected}")
            answers.append(found)
        return next(answer for answer in answers if answer)

    def _fetch(self, recordings: list[str], seen: dict[str, Seen], researcher: Session) -> None:
        self._step("the first answer, pinned in a dataset file, fetched and compared")
        dataset = self._folder / "dataset.json"
        objects = find_objects(researcher, Question(), recordings=recordings)
        pinned = save_dataset(dataset, {"recordings": recordings}, objects)
        transport = Transport()
        try:
            fetcher = Fetcher(researcher, transport, Silent(), self._folder / "fetched")
            fetched = fetcher.fetch(read_dataset(dataset).objects)
        finally:
            transport.close()
        if len(fetched) != len(pinned.objects) or not all(one.verified for one in fetched):
            raise DemonstrationError("fetch", f"not all files were verified: {fetched}")
        for one in fetched:
            path = Path(one.path)
            origin = seen[one.recording].made.folder / path.name
            if path.read_bytes() != origin.read_bytes():
                raise DemonstrationError("fetch", f"{path} differs from {origin}")
        total = sum(one.size for one in fetched)
        self._say(f"{len(fetched)} files, {show_bytes(total)}: checksums right, bytes as recorded")

    def _close(self, seen: dict[str, Seen]) -> None:
        table = Table(title="Recordings of this run", title_justify="left", box=SIMPLE_HEAD)
        for column in ("recording", "state", "objects", "findable after", "reason"):
            table.add_column(column, no_wrap=column != "reason")
        for one in sorted(seen.values(), key=lambda s: (s.made.rig, s.made.name)):
            answer = one.answer
            taken = "was there" if not one.bytes_sent else f"{one.findable_seconds or 0:.2f} s"
            table.add_row(
                one.made.name, answer["state"], str(len(answer["objects"])), taken,
                answer.get("reason") or one.made.flaw,
            )  # fmt: skip
        self._console.print()
        self._console.print(table)

    # --- telling --------------------------------------------------------------------------

    def _step(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/bold]", highlight=False, soft_wrap=True)

    def _say(self, text: str) -> None:
        self._console.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)
