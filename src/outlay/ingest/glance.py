"""Looks into the files of a place that is only tried: into a few of them, and not for long."""

from __future__ import annotations

import time
from collections.abc import Collection

from outlay.engine import Engine
from outlay.errors import TooSlow
from outlay.ingest.fetch import Looker
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage import Place, StoredFile

FILES = 20
BYTES = 100 * 1024**2
SECONDS = 30.0


class Glance:
    """As `fetch.Looker`, within bounds: loose files past them have no known period, and are counted."""

    def __init__(self, engine: Engine, settings: Settings, place: Place) -> None:
        self._until = time.monotonic() + SECONDS
        self._look = Looker(engine, settings, place, self._is_over)
        self._seen: dict[str, frozenset[BillingPeriod]] = {}
        self._bytes = 0
        self._passed: set[str] = set()

    @property
    def passed_over(self) -> int:
        return len(self._passed)

    def periods_of(self, file: StoredFile) -> frozenset[BillingPeriod]:
        if file.path in self._seen:
            return self._seen[file.path]
        if self._is_over() or len(self._seen) == FILES or self._bytes + file.size > BYTES:
            self._passed.add(file.path)
            return frozenset()
        self._bytes += file.size
        self._seen[file.path] = self._look.periods_of(file)
        return self._seen[file.path]

    def columns_of(self, file: StoredFile) -> frozenset[str]:
        """Raises TooSlow: without them nobody knows what lies there."""
        if self._is_over():
            raise TooSlow(
                f"Looking into the files took longer than {SECONDS:.0f} seconds.",
                next="Save the connection: its first check takes the time that it needs.",
            )
        return self._look.columns_of(file)

    def has_values(self, file: StoredFile, names: Collection[str]) -> bool:
        """As `fetch.Looker`."""
        return self._look.has_values(file, names)

    def _is_over(self) -> bool:
        return time.monotonic() > self._until
