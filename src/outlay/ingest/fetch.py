"""From the bucket to the spool: several files at once, each only as it was listed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir

from outlay.engine import Engine, Input, Limits, Shape, Told
from outlay.findings import Finding
from outlay.formats.focus import PERIOD, billing_periods, named
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage import Place, StoredFile
from outlay.storage.spool import spool

_AT_ONCE = 4


def fetch(
    place: Place, files: Sequence[StoredFile], into: Path, progress: Callable[[int, int], None]
) -> dict[str, Path]:
    """Copy the files of a delivery into `into` and tell how many bytes have come; raises what `Place.download` does."""
    total = sum(file.size for file in files)
    done = 0
    targets = {file.path: into / f"{number:05}" for number, file in enumerate(files)}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        downloads = [(file, pool.submit(place.download, file, targets[file.path])) for file in files]
        try:
            for file, download in downloads:
                download.result()
                done += file.size
                progress(done, total)
        finally:
            pool.shutdown(cancel_futures=True)
    return targets


def limits(settings: Settings) -> Limits:
    return Limits(settings.max_unpacked, settings.max_ratio, settings.max_columns, settings.max_field)


@dataclass(frozen=True)
class Looker:
    """Opens single files of a place for layouts that cannot tell by names alone.

    When `is_over` says so, it goes by what it has read until then.
    """

    engine: Engine
    settings: Settings
    place: Place
    is_over: Callable[[], bool] = lambda: False

    def periods_of(self, file: StoredFile) -> frozenset[BillingPeriod]:
        """Which billing periods the rows of a loose FOCUS file name.

        A file that cannot be read, or is not FOCUS, belongs to the month in which it was last changed: its run then
        says what is wrong with it.
        """
        found: set[BillingPeriod] = set()
        for table in self._tables(file, [], _period_column):
            if self.is_over():
                break
            rows = self.engine.rows(self.engine.prepare(billing_periods(table)))
            found |= {BillingPeriod(row["year"], row["month"]) for row in rows if row["year"] is not None}
        return frozenset(found) or frozenset({BillingPeriod.of(file.modified)})

    def columns_of(self, file: StoredFile) -> frozenset[str]:
        """What the columns of a data file are called; none when it cannot be read."""
        columns: list[str] = []
        next(self._tables(file, columns, lambda _: ()), None)
        return frozenset(columns)

    def has_values(self, file: StoredFile, names: Collection[str]) -> bool:
        """Has one of its first rows a value in a column of these names, which are in lower case?"""
        columns: list[str] = []

        def named(found: Sequence[str]) -> list[str]:
            return [name for name in found if name.lower() in names]

        for table in self._tables(file, columns, named):
            counts = {f"filled_{n}": table[name].nullif("").count() for n, name in enumerate(named(columns))}
            return bool(counts) and any(self.engine.rows(self.engine.prepare(table.aggregate(**counts)))[0].values())
        return False

    def _tables(
        self, file: StoredFile, columns: list[str], wanted: Callable[[Sequence[str]], Sequence[str]]
    ) -> Iterator[ir.Table]:
        def header(name: str, found: Sequence[str]) -> list[Finding]:
            columns.extend(found)
            return []

        shape = Shape(header=header, wanted=wanted, json=lambda _: ())
        with spool(self.settings.spool, "look") as folder:
            path = fetch(self.place, [file], folder, _quietly)[file.path]
            inputs = [Input(path, file.path, file.size)]
            yield from self.engine.batches(inputs, shape, limits(self.settings), folder, Told(), _quietly)


def _period_column(columns: Sequence[str]) -> list[str]:
    return [column for name, column in named(columns).items() if name == PERIOD]


def _quietly(done: int, total: int) -> None:
    """Looking into a file is no step of its own."""
