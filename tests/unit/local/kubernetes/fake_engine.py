"""A program in a container engine's place: it writes down what it is asked, and does as told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from glue.local.batch.engines import ContainerEngine

if TYPE_CHECKING:
    from pathlib import Path

STATE = {
    "Running": False, "OOMKilled": False, "ExitCode": 0, "StartedAt": "2026-01-01", "Error": "",
}  # fmt: skip
# Each verb does what stands in a file of its name, if there is one.
PROGRAM = """\
#!/bin/sh
echo "$@" >> {folder}/asked
if [ "$1" = --option ]; then shift; fi
verb="$1"
case "$verb" in image|container) verb="$1-$2";; esac
[ -f "{folder}/do-$verb" ] && . "{folder}/do-$verb"
exit 0
"""


class FakeEngine:
    """The program and its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "docker"
        path.write_text(PROGRAM.format(folder=folder))
        path.chmod(0o755)
        self.state()

    @property
    def engine(self) -> ContainerEngine:
        return ContainerEngine(
            str(self.folder / "docker"), ("--option",), ("--made",), (("nofile", "9:9"),)
        )

    @property
    def asked(self) -> list[str]:
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def verbs(self) -> list[str]:
        return [line.removeprefix("--option ").split()[0] for line in self.asked]

    def do(self, verb: str, script: str) -> None:
        """Say what a verb does, in the shell's language; `exit 0` comes behind it."""
        (self.folder / f"do-{verb}").write_text(f"{script}\n")

    def state(self, **changes: Any) -> None:
        """Say what `container inspect` tells."""
        told = json.dumps(STATE | changes)
        (self.folder / "state").write_text(f"identity1 {told}\n")
        started = (STATE | changes)["StartedAt"]
        self.do(
            "container-inspect",
            f'case "$4" in *json*) cat {self.folder}/state;; *) echo {started};; esac',
        )

    def image(self, **configuration: Any) -> None:
        """Say what `image inspect` tells."""
        self.do("image-inspect", f"echo '{json.dumps(configuration)}'")
