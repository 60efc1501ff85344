"""Trying again what a network or a service may do at the second time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from outlay.errors import Changed, OutlayError, Overtaken, Unavailable

T = TypeVar("T")
_LONGEST = 60.0


@dataclass(frozen=True)
class Retries:
    """How often something is tried in all, the seconds before the second time (twice as long before each other one),
    and after which errors. That another publisher was faster is no such error.
    """

    times: int = 3
    wait: float = 2.0
    after: tuple[type[Exception], ...] = (Unavailable, Changed, ConnectionError, TimeoutError)
    pause: Callable[[float], None] = lambda seconds: time.sleep(seconds)

    def call(self, do: Callable[[], T], what: str, log: logging.Logger) -> T:
        """Raises what the last try does; errors of other libraries become Unavailable."""
        tried = 0
        while True:
            tried += 1
            try:
                return do()
            except Overtaken:
                raise
            except self.after as error:
                if tried >= self.times:
                    if isinstance(error, OutlayError):
                        raise
                    raise _told(error) from error
                seconds = min(self.wait * 2 ** (tried - 1), _LONGEST)
                log.warning("%s: %s It is tried again in %g seconds.", what, error, seconds)
                self.pause(seconds)


def _told(error: Exception) -> Unavailable:
    said = str(error).rstrip(".") or type(error).__name__
    return Unavailable(f"The vendor or the network failed: {said}.", next="Try again later.")
