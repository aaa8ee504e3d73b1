"""Where the local cloud lives, which ports it takes and how fast its clocks run."""

from __future__ import annotations

import math
import os
import random
import socket
from pathlib import Path

from glue.errors import InputError

HOST = "127.0.0.1"
REGION = "eu-central-1"
ACCOUNT_ID = "000000000000"
ACCESS_KEY = "test"
SECRET_KEY = "test"  # noqa: S105 - the emulator takes any secret for this key

HOME_VARIABLE = "PROVING_GROUND_LOCAL_HOME"
BUILD_VARIABLE = "PROVING_GROUND_BUILD"
PORT_VARIABLE = "PROVING_GROUND_LOCAL_PORT"
POSTGRES_PORT_VARIABLE = "PROVING_GROUND_LOCAL_POSTGRES_PORT"
KUBERNETES_PORT_VARIABLE = "PROVING_GROUND_LOCAL_KUBERNETES_PORT"
EVALAI_PORT_VARIABLE = "PROVING_GROUND_LOCAL_EVALAI_PORT"
WAIT_SCALE_VARIABLE = "PROVING_GROUND_LOCAL_WAIT_SCALE"

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_PORT = 4566
DEFAULT_POSTGRES_PORT = 4510
DEFAULT_KUBERNETES_PORT = 4511
DEFAULT_EVALAI_PORT = 4512
# What waits of state machines are multiplied by: 30 seconds become 0.3.
DEFAULT_WAIT_SCALE = 0.01

# The cluster that the stand-in for Kubernetes plays: the name terraform/platform gives its own.
CLUSTER = "local-platform"

HIGHEST_PORT = 65535
# Below those that a system gives away by itself, to callers and to whoever asks for any port:
# one of these stays free between being chosen and being used, and while a cloud is down.
OWN_PORTS = range(20_000, 30_000)
_given: set[int] = set()


def home_from_environment() -> Path:
    """Return the folder that holds everything of the local cloud, as an absolute path.

    It is the same wherever the command is called: `build/local` of the repository, unless
    PROVING_GROUND_BUILD moves the build folder or PROVING_GROUND_LOCAL_HOME this one.
    """
    build = os.environ.get(BUILD_VARIABLE) or REPOSITORY / "build"
    return Path(os.environ.get(HOME_VARIABLE) or Path(build) / "local").absolute()


def port_from_environment(variable: str, default: int) -> int:
    """Return the port named by an environment variable, or the default.

    Raises InputError when the variable holds anything but a port number.
    """
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= HIGHEST_PORT):
        raise InputError(
            variable,
            f"{text!r} is not a port",
            f"set {variable} to a number between 1 and {HIGHEST_PORT}, or unset it",
        )
    return int(text)


def wait_scale_from_environment() -> float:
    """Return what waits of state machines are multiplied by, 1 being the time they take on AWS.

    Raises InputError when PROVING_GROUND_LOCAL_WAIT_SCALE holds anything but such a number.
    """
    text = os.environ.get(WAIT_SCALE_VARIABLE, "").strip()
    if not text:
        return DEFAULT_WAIT_SCALE
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not 0 < scale <= 1:
        raise InputError(
            WAIT_SCALE_VARIABLE,
            f"{text!r} is no share of the time that a wait takes",
            f"set {WAIT_SCALE_VARIABLE} to a number above 0 and up to 1, or unset it",
        )
    return scale


def free_port() -> int:
    """Return a port on the loopback address that nothing listens on, another one each time."""
    while True:
        port = random.SystemRandom().choice(OWN_PORTS)
        if port not in _given and is_free(port):
            _given.add(port)
            return port


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without this a port counts as taken for a minute after its last connection closed.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
