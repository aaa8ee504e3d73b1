"""Terraform, as this repository runs it: the one place that knows the runner's traps."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from python_terraform import IsFlagged, IsNotFlagged

from glue.deploy.mirror import cli_config
from glue.deploy.process import (
    Result,
    Runner,
    TerraformError,
    clean_environment,
    explain,
    flags,
    missing,
)
from glue.deploy.project import hash_files, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

PROGRAM = "terraform"
MINIMUM_VERSION = (1, 11, 0)
LOCK_PATIENCE = "60s"
CHANGES = 2  # exit code of `plan -detailed-exitcode`

# The lines of a configuration that decide what init has to fetch.
FETCHED = re.compile(r"\b(module|source|version|required_\w+|backend)\b")


class Terraform:
    """One root in one workspace, with its own data folder, logs and process environment.

    `root` is the folder of the configuration and `workspace` the environment's name; `build`
    is the folder for everything made; `environment` holds the variables of the process, in
    which the credentials and, locally, the emulator's address are found. `on_line` is given
    each line that plan, apply and destroy print.
    """

    def __init__(
        self,
        root: Path,
        workspace: str,
        build: Path,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.root = root
        self.workspace = workspace
        self.folder = build / "terraform" / workspace
        self.data = self.folder / "data"
        self._build = build
        variables = clean_environment(os.environ if environment is None else environment)
        found = shutil.which(PROGRAM, path=variables.get("PATH"))
        if found is None:
            raise missing(PROGRAM)
        self.binary = found
        self.cli_config = cli_config(build, [root / ".terraform.lock.hcl"], variables)
        variables |= {
            "TF_CLI_CONFIG_FILE": str(self.cli_config),
            "TF_DATA_DIR": str(self.data),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
        }
        self._runner = Runner(root, found, variables, self.folder / "logs", on_line)

    def version(self) -> tuple[int, ...]:
        """Return terraform's version. Raises TerraformError when it is too old."""
        answer = json.loads(self._run("version", json=IsFlagged).out)["terraform_version"]
        numbers = tuple(int(part) for part in answer.split("-")[0].split("."))
        if numbers < MINIMUM_VERSION:
            least = ".".join(map(str, MINIMUM_VERSION[:2]))
            raise TerraformError(
                "version", f"version {answer} is too old", f"install Terraform {least} or newer"
            )
        return numbers

    def init(self, backend_config: Path | None = None) -> bool:
        """Prepare the root and select the workspace, making it if need be.

        Nothing is run, and False returned, when all that init depends on is as it was last
        time. The lock file is never changed.
        """
        stamp = self.data / "prepared.json"
        wanted = {"inputs": self._init_inputs(backend_config), "workspace": self.workspace}
        if stamp.is_file() and json.loads(stamp.read_text()) == wanted and self._is_prepared():
            return False
        self.version()
        # Init refuses a workspace that is selected and gone, as after a reset of the local cloud.
        (self.data / "environment").unlink(missing_ok=True)
        with self._alone():
            options = flags(
                input=False,
                reconfigure=IsFlagged,
                backend_config=str(backend_config) if backend_config else None,
                lockfile="readonly" if (self.root / ".terraform.lock.hcl").is_file() else None,
            )
            self._check("init", self._runner.init(**options))
        self._run("workspace select", self.workspace, or_create=IsFlagged)
        write_json(stamp, wanted)
        return True

    def plan(
        self,
        out: Path,
        variables: Sequence[Path] = (),
        *,
        refresh_only: bool = False,
        destroy: bool = False,
    ) -> bool:
        """Save a plan to a file and tell whether it changes anything.

        `refresh_only` looks at what differs from the state and changes nothing but the state;
        `destroy` plans the end of everything.
        """
        out.parent.mkdir(parents=True, exist_ok=True)
        options = flags(
            input=False,
            out=str(out),
            lock_timeout=LOCK_PATIENCE,
            var_file=[str(path) for path in variables],
        )
        if refresh_only:
            options["refresh_only"] = IsFlagged
        if destroy:
            options["destroy"] = IsFlagged
        result = self._check("plan", self._runner.plan(**options), (0, CHANGES))
        return result.code == CHANGES

    def show(self, plan: Path | None = None) -> dict[str, Any]:
        """Return a saved plan, or the present state, as JSON says it."""
        paths = [str(plan)] if plan else []
        answer: dict[str, Any] = json.loads(self._run("show", *paths, json=IsFlagged).out)
        return answer

    def apply(self, plan: Path) -> None:
        """Apply a saved plan; nothing is asked, for the plan was what there was to approve."""
        # The library's apply() would add -auto-approve=false, which a saved plan refuses.
        self._run("apply", str(plan), input=False, lock_timeout=LOCK_PATIENCE)

    def output(self) -> dict[str, Any]:
        """Return the values of the root's outputs by name."""
        answer = json.loads(self._run("output", json=IsFlagged).out)
        return {name: entry["value"] for name, entry in answer.items()}

    def destroy(self, variables: Sequence[Path] = ()) -> None:
        """Destroy everything in the workspace's state, without asking."""
        options = flags(
            force=IsNotFlagged,  # the library's default is a flag that no longer exists
            auto_approve=True,
            input=False,
            lock_timeout=LOCK_PATIENCE,
            var_file=[str(path) for path in variables],
        )
        self._check("destroy", self._runner.destroy(**options))

    def selected_workspace(self) -> str:
        """Return the name of the workspace that commands work on."""
        return self._run("workspace show").out.strip()

    def pull_state(self) -> dict[str, Any]:
        """Return the whole state, secrets too: it is kept in memory and never written to disk.

        An empty dictionary stands for a workspace to which nothing has been applied yet.
        """
        text = self._run("state pull").out
        state: dict[str, Any] = json.loads(text) if text.strip() else {}
        return state

    def push_state(self, state: dict[str, Any]) -> None:
        """Put a whole state in place of the present one, under the lock.

        Terraform refuses a state of another lineage and one whose serial is lower.
        """
        text = json.dumps(state, indent=2)
        self._run("state push", "-", lock_timeout=LOCK_PATIENCE, text=text)

    def import_resource(
        self, address: str, resource_id: str, variables: Sequence[Path] = ()
    ) -> None:
        """Take something that exists into the state, under the address it is configured at."""
        self._run(
            "import",
            address,
            resource_id,
            input=False,
            lock_timeout=LOCK_PATIENCE,
            var_file=[str(path) for path in variables],
        )

    def force_unlock(self, lock_id: str) -> None:
        """Take a lock away from whoever holds it; raises TerraformError for a wrong id."""
        self._run("force-unlock", lock_id, force=IsFlagged)

    def _run(self, command: str, *args: str, **options: Any) -> Result:
        """Run a command that the library has no working method for; raise when it fails.

        The option `text` is what the command reads from its standard input.
        """
        if "json" not in options:
            options = flags(**options)
        return self._check(command, self._runner.cmd(command, *args, **options))

    def _check(
        self, command: str, answer: tuple[int, str, str], good: tuple[int, ...] = (0,)
    ) -> Result:
        """Return a result, or raise TerraformError and let the next run start from init."""
        result = Result(*answer)
        if result.code not in good:
            (self.data / "prepared.json").unlink(missing_ok=True)
            raise explain(command, result, self._runner.log_file(command))
        return result

    def _init_inputs(self, backend_config: Path | None) -> str:
        """Return one hash over all that the outcome of init depends on."""
        program = os.stat(self.binary)  # noqa: PTH116 - one call, no Path needed
        files = [self.root / ".terraform.lock.hcl", self.cli_config]
        if backend_config is not None:
            files.append(backend_config)
        digest = hashlib.sha256(f"{self.binary} {program.st_size} {program.st_mtime_ns}".encode())
        digest.update(hash_files(self.root, files).encode())
        for path in sorted(self.root.glob("*.tf")) + sorted(self.root.glob("../../modules/*/*.tf")):
            lines = [line for line in path.read_text("utf-8").splitlines() if FETCHED.search(line)]
            digest.update(f"{path.name}{lines}".encode())
        return digest.hexdigest()

    def _is_prepared(self) -> bool:
        """Tell whether the providers init linked are still there, and the workspace selected."""
        links = self.data.glob("providers/*/*/*/*/*")
        selected = self.data / "environment"
        return all(path.exists() for path in links) and (
            selected.is_file() and selected.read_text().strip() == self.workspace
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep two runs from filling the shared cache of providers at the same time."""
        path = self._build / "terraform" / "init.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
