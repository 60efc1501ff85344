"""The steps of a run, as an observer sees them: progress bars watch them, and so do tests that kill a run at each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, Protocol

Step = Literal["list", "plan", "fetch", "read", "check", "map", "reconcile", "commit", "record"]
STEPS: tuple[Step, ...] = ("list", "plan", "fetch", "read", "check", "map", "reconcile", "commit", "record")


class Observer(Protocol):
    """Told which months there are, when a step begins and ends, and how far one has come; `of` is 0 when unknown.

    What it raises abandons the run: the live data stays, and nothing of the run is recorded.
    """

    def found(self, connection: str, months: Sequence[str], left_out: Sequence[str]) -> None:
        """`months`, such as `2026-05`, are looked at in this order; `left_out` are not brought in, as was asked for."""
        ...

    def begins(self, connection: str, period: str, step: Step) -> None: ...

    def progress(self, connection: str, period: str, step: Step, done: int, of: int) -> None: ...

    def ends(self, connection: str, period: str, step: Step) -> None: ...


class Quiet:
    """Watches nothing."""

    def found(self, connection: str, months: Sequence[str], left_out: Sequence[str]) -> None: ...

    def begins(self, connection: str, period: str, step: Step) -> None: ...

    def progress(self, connection: str, period: str, step: Step, done: int, of: int) -> None: ...

    def ends(self, connection: str, period: str, step: Step) -> None: ...


class Steps:
    """Times the steps of one run and tells the observer of them."""

    def __init__(self, observer: Observer, connection: str, period: str = "") -> None:
        self._observer = observer
        self._connection = connection
        self._period = period
        self._seconds: dict[str, float] = {}

    @property
    def timings(self) -> tuple[tuple[str, float], ...]:
        """Seconds of each step, in the order in which they first began; a step that comes a batch at a time adds up."""
        return tuple((name, round(seconds, 3)) for name, seconds in self._seconds.items())

    @contextmanager
    def step(self, name: Step) -> Iterator[None]:
        self._observer.begins(self._connection, self._period, name)
        self._seconds.setdefault(name, 0.0)
        began = time.monotonic()
        yield
        self._seconds[name] += time.monotonic() - began
        self._observer.ends(self._connection, self._period, name)

    def progress(self, name: Step, done: int, of: int) -> None:
        self._observer.progress(self._connection, self._period, name, done, of)
