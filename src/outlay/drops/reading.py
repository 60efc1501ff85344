"""Reading the rows of a drop that lies there: for its sums, to carry them over, to compare two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from outlay.drops.checking import COST, SERVICE, Checker
from outlay.drops.packing import COSTS
from outlay.drops.rows import Chunk, from_files
from outlay.drops.shelf import Drop
from outlay.drops.values import added, pc, total, totals_by
from outlay.engine.base import Input, Told
from outlay.errors import DeliveryError
from outlay.findings import Finding, in_order
from outlay.settings import Settings
from outlay.storage import Place, StoredFile
from outlay.storage.faults import translated


@dataclass(frozen=True)
class Contents:
    """What a drop holds: rows, the exact sum of each cost column that it has, and what is wrong with it.

    `services` are rows and cost by `resource/service`, with "" for rows that name none; `columns` in their order.
    """

    rows: int
    sums: dict[str, Decimal]
    services: dict[str, tuple[int, Decimal]]
    columns: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def cost(self) -> Decimal:
        """The sum of `cost/cost`."""
        return self.sums.get(COST, Decimal(0))


@contextmanager
def local(place: Place, file: StoredFile, scratch: Path) -> Iterator[Input]:
    """A file of a drop on this machine, as it was listed. Raises Changed when it is another by now."""
    if place.location.is_folder:
        yield Input(Path(place.location.path) / file.path, file.path, file.size)
        return
    copy = scratch / "fetched"
    place.download(file, copy)
    try:
        yield Input(copy, file.path, file.size)
    finally:
        copy.unlink()


def chunks_of(place: Place, files: Sequence[StoredFile], settings: Settings, scratch: Path) -> Iterator[Chunk]:
    for file in files:
        with local(place, file, scratch) as here:
            yield from from_files([here], settings)


class Counter:
    """Adds up the rows of a drop."""

    def __init__(self) -> None:
        self.rows = 0
        self.sums: dict[str, Decimal] = {}
        self.services: dict[str, tuple[int, Decimal]] = {}
        self.columns: dict[str, None] = {}

    def add(self, table: pa.Table) -> None:
        self.columns |= dict.fromkeys(table.column_names)
        self.rows += table.num_rows
        for name in COSTS:
            if name in table.column_names:
                self.sums[name] = added([self.sums.get(name, Decimal(0)), *map(total, table[name].chunks)])
        for service, rows, cost in _by_service(table):
            before = self.services.get(service, (0, Decimal(0)))
            self.services[service] = (before[0] + rows, added([before[1], cost]))

    def contents(self, told: Told) -> Contents:
        by_cost = sorted(self.services.items(), key=lambda each: (-abs(each[1][1]), each[0]))
        return Contents(self.rows, self.sums, dict(by_cost), tuple(self.columns), in_order(told.findings))


def _by_service(table: pa.Table) -> list[tuple[str, int, Decimal]]:
    if not table.num_rows or COST not in table.column_names:
        return []
    if SERVICE not in table.column_names:
        return [("", table.num_rows, added(map(total, table[COST].chunks)))]
    return totals_by(pc.fill_null(table[SERVICE], ""), table[COST])


def contents(place: Place, drop: Drop, settings: Settings, scratch: Path) -> Contents:
    """What is in a drop; values that are no numbers are told, and count as nothing."""
    told, counter = Told(), Counter()
    checker = Checker(told, unknown="keep", period=drop.period)
    for chunk in chunks_of(place, drop.files, settings, scratch):
        counter.add(checker.check(chunk).table)
    return counter.contents(told)


@dataclass
class Staged:
    """Rows as Parquet files with columns `c0`, `c1`, …: names that differ by case alone are one to DuckDB."""

    folder: Path
    columns: list[str]
    files: list[Path] = field(default_factory=list)
    rows: int = 0

    def add(self, table: pa.Table) -> None:
        if not table.num_rows:
            return
        self.columns += [name for name in table.column_names if name not in self.columns]
        self.rows += table.num_rows
        self._write(table.rename_columns([self.own(name) for name in table.column_names]))

    def _write(self, table: pa.Table) -> None:
        """One file a shape of rows: few, as files of a drop mostly have the same columns. Raises DiskFull."""
        with translated(self.folder, writing=self.folder):
            self._writer(table).write_table(table)

    def own(self, name: str) -> str:
        return f"c{self.columns.index(name)}"

    def real(self, table: pa.Table) -> pa.Table:
        """The same with the columns' names in CBF."""
        return table.rename_columns([self.columns[int(name[1:])] for name in table.column_names])

    def _writer(self, table: pa.Table) -> pq.ParquetWriter:
        found = self._open.get(table.schema)
        if found is None:
            path = self.folder / f"{len(self.files):04}.parquet"
            self.files.append(path)
            found = self._open[table.schema] = pq.ParquetWriter(path, table.schema, compression="snappy")
        return found

    def __post_init__(self) -> None:
        self._open: dict[Any, pq.ParquetWriter] = {}
        self.folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        for writer in self._open.values():
            writer.close()
        self._open.clear()


def stage(place: Place, drop: Drop, settings: Settings, scratch: Path, staged: Staged) -> Contents:
    """Read a drop into Parquet, checked. Raises DeliveryError for one that an ingest would reject."""
    told, counter = Told(), Counter()
    checker = Checker(told, unknown="keep", period=drop.period)
    try:
        for chunk in chunks_of(place, drop.files, settings, scratch):
            table = checker.check(chunk).table
            counter.add(table)
            staged.add(table)
    finally:
        staged.close()
    if told.is_bad():
        raise bad(told, f"The drop {drop.id} of {drop.period.month} cannot be read", "Publish the whole period anew.")
    return counter.contents(told)


def bad(told: Told, what: str, next_action: str) -> DeliveryError:
    """All that was told, as one error; the first is in its message."""
    errors = [each for each in in_order(told.findings) if each.is_error]
    count = sum(told.counts.get(code, 0) for code in {each.code for each in errors})
    others = count - 1
    more = f" There {'is one fault' if others == 1 else f'are {others:,} faults'} more." if others else ""
    return DeliveryError(
        f"{what}: {errors[0].message}{more}", next=f"{errors[0].next} {next_action}", findings=in_order(told.findings)
    )
