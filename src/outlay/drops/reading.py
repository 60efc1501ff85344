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

from outlay.drops.checking import Checker
from outlay.drops.packing import COSTS
from outlay.drops.rows import Chunk, from_files
from outlay.drops.shelf import Drop
from outlay.drops.values import added, total
from outlay.engine.base import Input, Told
from outlay.errors import DeliveryError
from outlay.findings import Finding, in_order
from outlay.settings import Settings
from outlay.storage import Place, StoredFile


@dataclass(frozen=True)
class Contents:
    """What a drop holds: rows, the exact sum of each cost column that it has, and what is wrong with it."""

    rows: int
    sums: dict[str, Decimal]
    findings: tuple[Finding, ...] = ()

    @property
    def cost(self) -> Decimal:
        """The sum of `cost/cost`."""
        return self.sums.get("cost/cost", Decimal(0))


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


def contents(place: Place, drop: Drop, settings: Settings, scratch: Path) -> Contents:
    """Rows and sums; values that are no numbers are told, and count as nothing."""
    told, rows, sums = Told(), 0, dict[str, Decimal]()
    checker = Checker(told, unknown="keep", period=drop.period)
    for chunk in chunks_of(place, drop.files, settings, scratch):
        table = checker.check(chunk).table
        rows += table.num_rows
        for name in COSTS:
            if name in table.column_names:
                sums[name] = added([sums.get(name, Decimal(0)), *map(total, table[name].chunks)])
    return Contents(rows, sums, in_order(told.findings))


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
        # One file a shape of rows: few, as files of a drop mostly have the same columns.
        self._writer(table.rename_columns([self.own(name) for name in table.column_names])).write_table(
            table.rename_columns([self.own(name) for name in table.column_names])
        )

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


def stage(place: Place, drop: Drop, settings: Settings, scratch: Path, staged: Staged) -> None:
    """Read a drop into Parquet, checked. Raises DeliveryError for one that an ingest would reject."""
    told = Told()
    checker = Checker(told, unknown="keep", period=drop.period)
    for chunk in chunks_of(place, drop.files, settings, scratch):
        staged.add(checker.check(chunk).table)
    staged.close()
    if told.is_bad():
        raise bad(told, f"The drop {drop.id} of {drop.period.month} cannot be read", "Publish the whole period anew.")


def bad(told: Told, what: str, next_action: str) -> DeliveryError:
    """All that was told, as one error; the first is in its message."""
    errors = [each for each in in_order(told.findings) if each.is_error]
    count = sum(told.counts.get(code, 0) for code in {each.code for each in errors})
    more = f" There are {count - 1:,} faults more." if count > 1 else ""
    return DeliveryError(
        f"{what}: {errors[0].message}{more}", next=f"{errors[0].next} {next_action}", findings=in_order(told.findings)
    )
