"""Running one terraform command: its environment, its output, its log file, its errors."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from python_terraform import IsFlagged
from python_terraform import Terraform as PythonTerraform

from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ERROR_LINES = 30
ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")
BOX = re.compile(r"^[╷│╵ ]+", re.MULTILINE)

# What the shell may hold that would change a run without a trace in the plan.
FOREIGN_VARIABLES = re.compile(
    r"TF_(CLI_ARGS.*|VAR_.*|WORKSPACE|DATA_DIR|PLUGIN_CACHE_DIR|CLI_CONFIG_FILE|INPUT"
    r"|REATTACH_PROVIDERS|IN_AUTOMATION)"
)

# In every error that says that somebody else holds the state.
LOCKED = "state lock"

# The first pattern found in an error decides what the operator is told to do.
REMEDIES = (
    (LOCKED, "wait for the other run; `glue deploy lock --env NAME` says who it is"),
    (r"[Ss]aved plan is stale|plan file .* (stale|was created)", "plan again, then apply"),
    # Terraform's own words first: what a validation says may hold any of the words below.
    (
        r"Error: (Invalid value for (input )?variable|No value for required variable)",
        "mend the environment's tfvars file",
    ),
    (r"connection refused", "start the local cloud (`glue local up`) or check AWS_ENDPOINT_URL"),
    (
        r"No valid credential|ExpiredToken|InvalidClientTokenId|SSO [st]|no EC2 IMDS role",
        "log in to AWS: the credentials are missing, wrong or expired",
    ),
    (
        r"[Dd]ependency lock file|checksums previously recorded",
        "add this platform to the lock file: `terraform providers lock -platform=OS_ARCH`",
    ),
    # Not `module.registry`, which may stand in the error of any resource.
    (
        r"query available provider|install provider|could not connect to registry",
        "allow access to the registry, or set TF_PLUGIN_MIRROR to a folder of providers",
    ),
    (
        r"AlreadyExists|already exists|AlreadyOwnedByYou|ResourceInUse|EntityAlreadyExists",
        "something in the account has this name: delete it, or take it up with `terraform import`",
    ),
    (r"[Bb]ackend (initialization|configuration)", "run the command again: it starts afresh"),
    (r"AccessDenied|not authorized", "use a role that may do this"),
)


# Commands whose output is data without being asked for it as JSON.
DATA_COMMANDS = ("state pull", "state push")


class TerraformError(InputError):
    """A terraform command that failed: what it said, and what to do about it.

    `exit_code` is negative for one that was killed: the number of the signal.
    """

    def __init__(self, command: str, message: str, remedy: str, exit_code: int = 1) -> None:
        super().__init__(f"terraform {command}".rstrip(), message, remedy, "terraform")
        self.exit_code = exit_code


class Result(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return process variables without those that would steer terraform behind our back."""
    return {k: v for k, v in environment.items() if not FOREIGN_VARIABLES.fullmatch(k)}


def plain(text: str) -> str:
    """Return terraform's output without colours and without the frame around errors."""
    return BOX.sub("", ESCAPE_SEQUENCE.sub("", text)).strip()


def explain(command: str, result: Result, log_file: Path) -> TerraformError:
    """Make an error of a failed command: the end of what it said, and the remedy."""
    if result.code < 0:
        killer = signal.Signals(-result.code).name
        advice = "plan again: that says what was left behind and who holds the state"
        return TerraformError(command, f"it was killed ({killer})", advice, result.code)
    text = plain(result.err) or plain(result.out) or f"ended with {result.code}"
    # The advice itself often names words that other patterns look for: errors only.
    errors = text[text.find("Error:") :] if "Error:" in text else text
    remedy = next((advice for pattern, advice in REMEDIES if re.search(pattern, errors)), "")
    lines = errors.splitlines()
    kept = lines if len(lines) <= ERROR_LINES else [*lines[: ERROR_LINES - 1], "…"]
    advice = remedy or f"see all of it in {log_file}"
    return TerraformError(command, "\n".join(kept), advice, result.code)


class Runner(PythonTerraform):  # type: ignore[misc]
    """python-terraform, with a runner of processes of our own underneath.

    The library makes the command lines. Its own runner knows no environment per call, cannot
    stream, reads a state file after each call and logs what it should not, so `cmd` is ours.
    """

    def __init__(
        self,
        working_dir: Path,
        binary: str,
        environment: Mapping[str, str],
        log_folder: Path,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(working_dir=str(working_dir), terraform_bin_path=binary)
        self.environment = dict(environment)
        self.log_folder = log_folder
        self.on_line = on_line

    def log_file(self, command: str) -> Path:
        """Return the file that keeps the output of the last run of a command."""
        return self.log_folder / f"{command.partition(' ')[0]}.log"

    def read_state_file(self, file_path: str | None = None) -> None:
        """Do nothing: the state is in S3, and what we need of it comes as JSON."""

    def cmd(self, cmd: str, *args: str, **options: Any) -> tuple[int, str, str]:
        """Run a command and return its exit code, output and errors.

        Lines go to the log file as they come, and to `on_line` unless the output is data.
        `text` is given to the command as its standard input.
        Raises TerraformError when there is no such program or working folder.
        """
        if not os.path.isdir(self.working_dir):  # noqa: PTH112 - the library keeps a string
            raise TerraformError(
                cmd, f"there is no folder {self.working_dir}", "run it in a whole checkout"
            )
        is_data = "json" in options or cmd in DATA_COMMANDS
        text: str | None = options.pop("text", None)
        line = self.generate_cmd_string(cmd, *args, **options)
        try:
            process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.working_dir,
                env=self.environment,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        except (FileNotFoundError, PermissionError) as error:
            raise missing(str(line[0])) from error
        # Output that is data may hold what a log should not: state and outputs are not kept.
        self.log_folder.mkdir(parents=True, exist_ok=True)
        name = os.devnull if is_data else str(self.log_file(cmd))
        out: list[str] = []
        err: list[str] = []
        with open(name, "w", encoding="utf-8") as log:  # noqa: PTH123 - may be os.devnull
            echo = None if is_data else self.on_line
            readers = [
                threading.Thread(target=_pump, args=(process.stdout, out, log, echo)),
                threading.Thread(target=_pump, args=(process.stderr, err, log, None)),
            ]
            if text is not None:
                readers.append(threading.Thread(target=_feed, args=(process.stdin, text)))
            for reader in readers:
                reader.start()
            try:
                process.wait()
            except KeyboardInterrupt:
                # Terraform got the same signal and is writing its state; leave it the time.
                process.wait()
                raise
            finally:
                for reader in readers:
                    reader.join()
        return process.returncode, "".join(out), "".join(err)


def missing(binary: str) -> TerraformError:
    """Make the error of a machine without terraform."""
    return TerraformError(
        "", f"{binary} is not installed, or not on PATH", "install Terraform 1.11 or newer"
    )


def flags(**options: Any) -> dict[str, Any]:
    """Return options for python-terraform, with those that every command gets.

    `var=None` keeps the library from writing its variables into a file it leaves behind.
    """
    return {"no_color": IsFlagged, "var": None, **options}


def _feed(target: IO[str], text: str) -> None:
    """Give a process its standard input; one that ends without reading it says why itself."""
    with contextlib.suppress(BrokenPipeError), contextlib.closing(target):
        target.write(text)


def _pump(
    source: IO[str], lines: list[str], log: IO[str], echo: Callable[[str], None] | None
) -> None:
    """Carry lines from a process to a list, a log and, if asked for, an onlooker."""
    with contextlib.closing(source):
        for line in source:
            lines.append(line)
            log.write(ESCAPE_SEQUENCE.sub("", line))
            log.flush()
            if echo is not None:
                echo(ESCAPE_SEQUENCE.sub("", line).rstrip("\n"))
