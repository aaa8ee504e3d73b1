"""The Lambda layer: the pinned libraries, without what a function never reads."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from glue.deploy.packages.archive import files_below
from glue.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Written by the installer on this machine, not by the maker of the wheel.
INSTALLERS_FILES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")

# botocore describes some 430 services in 19 MB. A service stays when code names it.
SERVICE_DATA = re.compile(r"(?P<library>botocore|boto3)/data/(?P<service>[a-z0-9-]+)/(?P<rest>.+)")
LITERAL = re.compile(r"""["']([a-z][a-z0-9-]+)["']""")
LIBRARY_CLIENT = re.compile(
    r"""(?:\.client\(|\.resource\(|service_name\s*=)\s*(?:service_name\s*=\s*)?["']([a-z0-9-]+)["']"""
)
ALWAYS_KEPT = frozenset({"sts"})
LIBRARIES_OF_AWS = ("boto3/", "botocore/", "s3transfer/")


def install_command(requirements: Path, target: Path, options: Sequence[str]) -> list[str]:
    """Return the command that unpacks the pinned wheels into a folder, hashes checked.

    uv when it stands beside this Python or on PATH, else pip, whose options for another
    platform differ: `options` are uv's.
    """
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    common = ["--target", str(target), "--no-deps", "--require-hashes", "-r", str(requirements)]
    if uv:
        return [
            *(uv, "pip", "install", "--quiet", "--python", sys.executable),
            *("--only-binary", ":all:", "--link-mode", "copy", "--no-compile-bytecode"),
            *common,
            *options,
        ]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", *common]
    return [*pip, "--only-binary=:all:", *pip_options(options)]


def pip_options(options: Sequence[str]) -> list[str]:
    """Return pip's words for uv's choice of a platform and a Python version."""
    chosen = dict(zip(options[::2], options[1::2], strict=True))
    words: list[str] = []
    if platform := chosen.get("--python-platform"):
        processor, _, system = platform.partition("-")
        # pip takes names literally, where uv knows that a newer platform runs older wheels.
        names = dict.fromkeys((system, "manylinux_2_17", "manylinux2014"))
        words += [word for name in names for word in ("--platform", f"{name}_{processor}")]
    if version := chosen.get("--python-version"):
        words += ["--implementation", "cp", "--python-version", version]
    return words


def install(requirements: Path, target: Path, options: Sequence[str]) -> None:
    """Unpack the pinned wheels into a folder.

    Raises InputError with the end of what the installer said when that fails.
    """
    command = install_command(requirements, target, options)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InputError(
            requirements.name,
            "the pinned libraries cannot be installed: " + done.stderr.strip()[-1500:],
            "check the network and the package index; make the hashes anew with `make lock`",
        )


def services_named_in(paths: Iterable[Path]) -> set[str]:
    """Return every text in Python files that could be the name of an AWS service."""
    found: set[str] = set()
    for path in paths:
        if path.suffix == ".py":
            found.update(LITERAL.findall(path.read_text(encoding="utf-8")))
    return found


def chosen_files(site: Path, named: set[str]) -> tuple[dict[str, Path], set[str]]:
    """Return the files of the layer by their name in it, and all services botocore knows.

    A service's description is kept when our code names the service, when another library of
    the layer makes a client of it, or when credentials need it.
    """
    files = files_below(site)
    kept = named | ALWAYS_KEPT
    for name, path in files.items():
        if path.suffix == ".py" and not name.startswith(LIBRARIES_OF_AWS):
            kept.update(LIBRARY_CLIENT.findall(path.read_text(encoding="utf-8")))
    known: set[str] = set()
    chosen: dict[str, Path] = {}
    for name, path in files.items():
        service = SERVICE_DATA.fullmatch(name)
        if service and service["library"] == "botocore":
            known.add(service["service"])
        is_waste = (
            (service and service["service"] not in kept)
            or (service and service["rest"].rpartition("/")[2].startswith("examples-"))
            or name.startswith(("bin/", "boto3/examples/"))
            or (".dist-info/" in name and path.name in INSTALLERS_FILES)
        )
        if not is_waste:
            chosen[f"python/{name}"] = path
    return chosen, known


def compile_for_here(folder: Path) -> dict[str, Path]:
    """Compile the Python files of a folder for this very interpreter; return name and path.

    The emulator unpacks a package anew for every worker it starts, so without this each cold
    start compiles boto3 again (0.9 s instead of 0.4 s). Python on AWS is another version, which
    this one cannot compile for. Nothing of this machine gets in: the files are unchecked and
    hash-based, without times, and the paths in them are relative; Python puts in the true ones.
    """
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    # A file that does not compile is one that no function can import; it ships as it is.
    subprocess.run(
        [*command, "."],
        cwd=folder,
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        check=False,
    )
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.pyc")}
