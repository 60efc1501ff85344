"""Has this process been asked to end? By a signal, or because the supervisor that started it is gone."""

from __future__ import annotations

import os
import select
import signal
import time
from types import FrameType

# Given by a supervisor to what it starts: asking for the parent is too late when that is gone already.
PARENT = "OUTLAY_PARENT"
_LOOK = 1.0


class Ending:
    """Ask it often by calling it; `wait` sleeps, but not through the news."""

    def __init__(self, parent: int | None = None) -> None:
        self._parent = parent
        self._since: float | None = None
        self._is_pressed = False
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)

    @classmethod
    def listening(cls) -> Ending:
        """Made in the main thread: takes SIGTERM and SIGINT from now on. The environment names its supervisor."""
        parent = os.environ.get(PARENT, "")
        ending = cls(int(parent) if parent.isdecimal() else None)
        signal.set_wakeup_fd(ending._wake, warn_on_full_buffer=False)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, ending._heard)
        return ending

    def _heard(self, number: int, frame: FrameType | None) -> None:
        # No lock and no log here: the main thread may hold either.
        self._is_pressed = self._since is not None
        self.ask()

    def ask(self) -> None:
        self._since = self._since or time.monotonic()

    def __call__(self) -> bool:
        if self._since is None and self._parent is not None and os.getppid() != self._parent:
            self.ask()
        return self._since is not None

    def is_overdue(self, grace: float) -> bool:
        """Asked longer than `grace` seconds ago, or more than once."""
        return self() and (self._is_pressed or time.monotonic() - (self._since or 0) > grace)

    def wait(self, seconds: float) -> None:
        """Sleep until the time is over or the end is near."""
        until = time.monotonic() + seconds
        while not self() and (left := until - time.monotonic()) > 0:
            select.select([self._woken], [], [], min(left, _LOOK))
