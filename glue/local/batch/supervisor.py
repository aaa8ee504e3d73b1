"""Runs one program and everything it starts, and leaves nothing behind: `supervisor FOLDER …`.

Started by the launcher as a program of its own, with the standard library only. Its standard
input is held open by the launcher: `term` asks the program to end, `kill` ends it, and the end
of the input, which comes even when the launcher is killed, ends it too. When the program has
ended, whatever it left running is killed: a container's end is the end of all its processes.
The exit code is the program's, or 128 and the number of the signal that ended it.

The folder (the working folder) is named on the command line so that the local cloud finds the
process as one of its own. SIGTERM ends the program, too. Commands given with `--after WORD… --`
are run at the end, and what they print is kept in the folder: a container lives in its engine,
outlives the engine's client, and has processes of the engine beside it that are not ours to end.
A command given with `--ask WORD… --` stands for SIGTERM: not every client hands a signal on.
"""

# ruff: noqa: PTH123, SIM105 - the modules that ruff has in mind take longer to load than a job

from __future__ import annotations

import os
import select
import signal
import sys

SET_CHILD_SUBREAPER = 36  # number of <linux/prctl.h>
AFTER = "after.txt"
NO_INPUT = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
SILENT = (NO_INPUT, *((os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_WRONLY, 0) for n in (1, 2)))
SIGNALS = {b"term": signal.SIGTERM, b"kill": signal.SIGKILL}


def adopt_orphans() -> None:
    """Become the parent of processes whose parent has ended, where the system can do that."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> list[int]:
    """Return the ids of this process's children, adopted ones included."""
    try:
        with open("/proc/thread-self/children", encoding="ascii") as listed:
            return [int(pid) for pid in listed.read().split()]
    except OSError:
        return []


def send(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group that may be gone."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


def end_all(group: int) -> None:
    """Kill what is left of the program and of what it started."""
    send(group, signal.SIGKILL)
    while left := children():
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, 0)[0]:
                pass
        except ChildProcessError:
            pass


def watch(program: int, wakeup: int, ask: list[str]) -> int:
    """Wait for a program's end and return its status; `ask` is run in the place of SIGTERM."""
    watched = [sys.stdin.fileno(), wakeup]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if wakeup in ready:
            if signal.SIGTERM in os.read(wakeup, 4096):
                send(program, signal.SIGKILL)
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == program:
                    return ended[1]
        if sys.stdin.fileno() in ready:
            asked = os.read(sys.stdin.fileno(), 4096)
            for word in asked.split() or [b"kill"]:
                if word == b"term" and ask:
                    os.posix_spawnp(ask[0], ask, os.environ, file_actions=SILENT)
                else:
                    send(program, SIGNALS.get(word, signal.SIGKILL))
            if not asked:
                watched.remove(sys.stdin.fileno())


def run_all(commands: list[list[str]]) -> None:
    """Run commands one after the other and keep what they print."""
    import subprocess

    with open(AFTER, "ab") as kept:
        for command in commands:
            subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=kept, stderr=subprocess.DEVNULL,
                check=False,
            )  # fmt: skip


def main(words: list[str]) -> int:
    """Run the program named behind the folder."""
    folder, *rest = words
    given: dict[str, list[list[str]]] = {"--ask": [], "--after": []}
    while rest[0] in given:
        cut = rest.index("--")
        given[rest[0]].append(rest[1:cut])
        rest = rest[cut + 1 :]
    after = given["--after"]
    if not after:
        adopt_orphans()
    wakeup, signalled = os.pipe()
    os.set_blocking(signalled, False)
    signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    os.chdir(folder)
    actions: list[tuple[object, ...]] = [NO_INPUT]
    # The outputs of a container are two pipes that its engine reads one after the other.
    if not after:
        actions.append((os.POSIX_SPAWN_DUP2, 1, 2))
    program = os.posix_spawnp(rest[0], rest, os.environ, file_actions=actions, setpgroup=0)
    status = watch(program, wakeup, [word for words in given["--ask"] for word in words])
    end_all(program)
    if after:
        run_all(after)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
