"""What sessions of every engine share: the time that a question may take."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ibis.expr.types as ir

from outlay.errors import TooSlow


class TimedSession(ABC):
    """A part of `engine.base.Session`. `is_over` is set once the question is interrupted."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self.is_over = threading.Event()

    @abstractmethod
    def text(self, table: ir.Table) -> str: ...

    @abstractmethod
    def run(self, text: str, marks: Mapping[str, str] | None = None) -> list[dict[str, Any]]: ...

    @abstractmethod
    def stop(self) -> None:
        """End what the engine does for it; harmless when that is nothing."""

    def rows(self, table: ir.Table) -> list[dict[str, Any]]:
        return self.run(self.text(table))

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        self._seconds = seconds
        timer = threading.Timer(seconds, self.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def interrupt(self) -> None:
        self.is_over.set()
        self.stop()

    def too_slow(self) -> TooSlow:
        return TooSlow(
            f"The question was stopped; it may take {self._seconds:g} seconds.",
            next="Ask for fewer days, columns or filters, or raise OUTLAY_QUESTION_SECONDS.",
        )
