"""The signal to end, and waiting that it cuts short."""

from __future__ import annotations

import os
import select
import signal


class Stop:
    """Set by SIGTERM or SIGINT.

    A pipe, since nothing that takes a lock may be touched by what a signal interrupts.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self.is_set = False

    def listen(self) -> None:
        """Take the signals from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.set())

    def set(self) -> None:
        """Ask for the end."""
        if not self.is_set:
            self.is_set = True
            os.write(self._writer, b"\0")

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the signal."""
        select.select([self._reader], [], [], seconds)

    def close(self) -> None:
        """Give the pipe back."""
        os.close(self._reader)
        os.close(self._writer)
