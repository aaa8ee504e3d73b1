"""The uploader's life: a pass now and then, and a last one when it is told to end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from glue.uploader.folder import Folder
from glue.uploader.form import NoForm, read_form
from glue.uploader.log import say
from glue.uploader.passes import Interrupted, Pass, Unreachable
from glue.uploader.post import Poster

if TYPE_CHECKING:
    from collections.abc import Callable

    from glue.uploader.settings import Settings
    from glue.uploader.stopping import Stop

DONE, INCOMPLETE = 0, 1
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0  # seconds between the attempts of the last pass


class Uploader:
    """Sends folders until it is stopped, and then what is left."""

    def __init__(
        self,
        settings: Settings,
        stop: Stop,
        poster: Poster | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings, self.stop, self.clock, self.sleep = settings, stop, clock, sleep
        self.folders = [Folder(key, path, settings.limits) for key, path in settings.folders]
        self.poster = poster or Poster()
        self._said = ""

    def run(self) -> int:
        """Send until stopped; return 0 when everything that may be sent was sent."""
        while not self.stop.is_set:
            self._pass(lambda: self.stop.is_set, self.stop.wait)
            self.stop.wait(self.settings.period)
        return self._last()

    def _last(self) -> int:
        """Send what is left, as long as the time lasts."""
        deadline = self.clock() + self.settings.last
        pause = _FIRST_PAUSE

        def is_over() -> bool:
            return self.clock() >= deadline

        while not (is_done := self._pass(is_over, self.sleep, is_last=True)):
            left = deadline - self.clock() - _FIRST_PAUSE  # enough for one more look
            if left <= 0:
                break
            self.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
        for folder in self.folders:
            say(folder.summary())
        say("everything that may be sent was sent" if is_done else "not everything was sent")
        return DONE if is_done else INCOMPLETE

    def _pass(
        self, is_over: Callable[[], bool], pause: Callable[[float], None], *, is_last: bool = False
    ) -> bool:
        """Make one look; tell whether everything that may be sent was sent."""
        try:
            form = read_form(self.settings.form_file)
        except NoForm as error:
            if str(error) != self._said:
                self._said = str(error)
                say(f"not sent: {error}")
            return False
        self._said = ""
        look = Pass(
            self.folders, form, self.poster, period=self.settings.period, is_over=is_over,
            pause=pause, is_last=is_last, clock=self.clock,
        )  # fmt: skip
        try:
            look.run()
        except (Interrupted, Unreachable):
            return False
        finally:
            self.poster.close()  # S3 hangs up on a connection that rests
        return look.unsent == 0
