"""The steps of a publish, as an observer sees them: progress bars watch them, and so do tests that kill one at each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

Step = Literal["look", "read", "carry", "upload", "verify", "commit"]
STEPS: tuple[Step, ...] = ("look", "read", "carry", "upload", "verify", "commit")


class Observer(Protocol):
    """Told when a step begins and ends, and how far it has come: rows of `read` and `carry`, files of the others.

    `period` is a month such as `2026-05`; of `read` it is "", as rows of several months may come. What it raises
    abandons the publish: what was current stays current.
    """

    def begins(self, period: str, step: Step) -> None: ...

    def progress(self, period: str, step: Step, done: int) -> None: ...

    def ends(self, period: str, step: Step) -> None: ...


class Quiet:
    """Watches nothing."""

    def begins(self, period: str, step: Step) -> None: ...

    def progress(self, period: str, step: Step, done: int) -> None: ...

    def ends(self, period: str, step: Step) -> None: ...


@contextmanager
def step(observer: Observer, period: str, name: Step) -> Iterator[None]:
    observer.begins(period, name)
    yield
    observer.ends(period, name)
