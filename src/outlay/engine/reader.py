"""Files of a delivery, a batch at a time: CSV segments and groups of Parquet rows, with what is wrong in them told."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from outlay.engine.base import Input, Limits, Shape
from outlay.engine.maps import with_distinct_keys, with_tags
from outlay.engine.parse import NUMBER, Parsed, parse
from outlay.engine.segments import BadByte, Segment, row_at, segments
from outlay.engine.twins import told_apart
from outlay.engine.unpack import BLOCK, Meter, Packing, Unreadable, blocks, packing_of
from outlay.findings import Finding, finding, has_error

# Rows that are brought into memory at once: a good row group of the Parquet files that come of them.
ROWS = 32_768
# And bytes, for rows that are long.
BYTES = 128 * 1024 * 1024


@dataclass(frozen=True)
class Batch:
    """Some rows of one file, as an Arrow table with their numbers in the column `_number`.

    `columns` are all that the file has; in tables those that differ by case alone are told apart as `engine.twins`
    says. `details` are rows with the key and what depends on it, for keys not seen
    before in the delivery; for Parquet, whose columns cost nothing to keep, they are in the table itself.
    """

    file: Input
    columns: tuple[str, ...]
    table: pa.Table
    findings: tuple[Finding, ...] = ()
    details: tuple[pa.Table, ...] = ()
    is_parquet: bool = False


class Reader:
    """Reads files one after another. What is wrong with them comes as findings of batches, in their order."""

    def __init__(self, shape: Shape, limits: Limits) -> None:
        self._shape = shape
        self._limits = limits
        self._meter = Meter(limits)
        self._has_begun = False
        self._keys: pa.Array[Any] = pa.array([], pa.string())
        # The columns of a file are those of all its segments, and mostly those of the next file.
        self._wanted = cache(lambda columns: list(shape.wanted(columns)))
        self._details_wanted = cache(lambda columns: _details_wanted(shape, columns))

    def batches(self, files: Sequence[Input]) -> Iterator[Batch]:
        for file in files:
            try:
                yield from self._file(file)
            except Unreadable as unreadable:
                yield Batch(file, (), pa.table({}), (unreadable.told,))

    def _file(self, file: Input) -> Iterator[Batch]:
        packing = packing_of(file)
        rows = 0
        for batch in self._parquet(file) if packing == "parquet" else self._csv(file, packing):
            rows += batch.table.num_rows
            yield batch
            limit = self._shape.max_rows_a_file
            if limit and rows > limit:
                raise Unreadable(finding("rows-too-many", file=file.name, value=f"more than {limit}", limit=limit))
        many = self._shape.many_rows_a_file
        if many and rows >= many:
            told = finding("rows-many", file=file.name, value=f"{rows:,}", limit=self._shape.max_rows_a_file)
            yield Batch(file, (), pa.table({}), (told,))

    def _is_wanted(self, file: Input, columns: Sequence[str]) -> tuple[bool, tuple[Finding, ...]]:
        findings = tuple(self._shape.header(file.name, columns))
        return not has_error(findings), findings

    def _csv(self, file: Input, packing: Packing) -> Iterator[Batch]:
        """Segments are small for the parser's sake; several make a batch."""
        rows, held = 0, _Held(file)
        try:
            for segment in segments(file, blocks(file, packing, self._meter), self._limits):
                if segment.number == 0:
                    is_wanted, findings = self._is_wanted(file, segment.columns)
                    held.findings += findings
                    if not is_wanted:
                        break
                    yield from self._forerunner(file, segment)
                wanted = self._wanted(segment.columns)
                parsed = parse(segment, wanted, file=file.name, before=rows, longest=self._limits.row)
                rows += parsed.rows
                held.add(segment, parsed, self._details(file, segment, parsed.table))
                if held.rows >= ROWS or held.table_bytes >= BYTES:
                    yield held.batch(self._shape)
                    held = _Held(file)
            if held.columns or held.findings:
                yield held.batch(self._shape)
        except BadByte as bad:
            again = blocks(file, packing, Meter(replace(self._limits, unpacked=bad.position + 2 * BLOCK)))
            value = repr(bad.value)[2:-1]
            raise Unreadable(finding(bad.code, file=file.name, row=row_at(again, bad.position), value=value)) from bad

    def _forerunner(self, file: Input, segment: Segment) -> Iterator[Batch]:
        """No rows, but the columns of the first file: queries can be worked out while its first rows are read."""
        if not self._has_begun:
            self._has_begun = True
            held, nothing = _Held(file), replace(segment, content=segment.content[:0])
            held.add(nothing, parse(nothing, self._wanted(segment.columns), file=file.name, before=0, longest=0), None)
            yield held.batch(self._shape)

    def _details(self, file: Input, segment: Segment, table: pa.Table) -> pa.Table | None:
        """One row for each key that is new: parsed again, because these columns are wanted of few rows only."""
        key, columns = self._details_wanted(segment.columns)
        if key is None or not columns or not table.num_rows:
            return None
        new = pc.unique(table[key].combine_chunks()).drop_null()
        new = new.filter(pc.invert(pc.is_in(new, self._keys)))
        if not len(new):
            return None
        self._keys = pa.concat_arrays([self._keys, new])
        again = parse(segment, [key, *columns], file=file.name, before=0, longest=len(segment.content))
        firsts = pc.index_in(new, again.table[key].combine_chunks())
        return again.table.take(firsts)

    def _parquet(self, file: Input) -> Iterator[Batch]:
        try:
            with pq.ParquetFile(file.path) as opened:
                columns = tuple(opened.schema_arrow.names)
                if len(columns) > self._limits.columns:
                    raise Unreadable(
                        finding("columns-too-many", file=file.name, value=str(len(columns)), limit=self._limits.columns)
                    )
                if twice := sorted(column for column, times in Counter(columns).items() if times > 1):
                    raise Unreadable(finding("column-duplicate", file=file.name, column=twice[0]))
                is_wanted, findings = self._is_wanted(file, columns)
                kept = self._kept(columns)
                tags = self._shape.tags(columns)
                empty = _counted(opened.schema_arrow.empty_table().select(kept), 0)
                yield Batch(file, columns, told_apart(with_tags(empty, tags)), findings, is_parquet=True)
                seen = rows = 0
                for batch in opened.iter_batches(ROWS, columns=kept) if is_wanted else ():
                    seen += batch.nbytes
                    self._meter.count(file, batch.nbytes, seen)
                    given = with_distinct_keys(pa.Table.from_batches([batch]))
                    table = with_tags(_counted(given, rows), tags)
                    yield Batch(file, columns, told_apart(table), is_parquet=True)
                    rows += batch.num_rows
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise Unreadable(finding("file-truncated", file=file.name, reason=reason)) from error

    def _kept(self, columns: Sequence[str]) -> list[str]:
        needed = {*self._shape.wanted(columns), *(column for _, column in self._shape.details(columns))}
        return [column for column in columns if column in needed]


def _details_wanted(shape: Shape, columns: Sequence[str]) -> tuple[str | None, list[str]]:
    """The key that details depend on, and the other columns that they come from."""
    key = shape.detail_key(columns)
    return key, [column for column in dict.fromkeys(column for _, column in shape.details(columns)) if column != key]


@dataclass
class _Held:
    """Segments that wait to become a batch."""

    file: Input
    columns: tuple[str, ...] = ()
    tables: list[pa.Table] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    details: list[pa.Table] = field(default_factory=list)
    rows: int = 0
    table_bytes: int = 0

    def add(self, segment: Segment, parsed: Parsed, details: pa.Table | None) -> None:
        self.columns = segment.columns
        self.tables.append(parsed.table)
        self.findings += parsed.findings
        self.rows += parsed.table.num_rows
        self.table_bytes += parsed.table.nbytes
        if details is not None:
            self.details.append(details)

    def batch(self, shape: Shape) -> Batch:
        table = pa.concat_tables(self.tables) if self.tables else pa.table({})
        table = with_tags(table, shape.tags(self.columns) if self.tables else ())
        details = tuple(told_apart(each) for each in self.details)
        return Batch(self.file, self.columns, told_apart(table), self.findings, details)


def _counted(table: pa.Table, before: int) -> pa.Table:
    return table.append_column(NUMBER, pa.array(np.arange(before + 1, before + table.num_rows + 1, dtype=np.int64)))


def ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, read by a thread of its own while the one before is worked on; unpacking needs no lock.

    The next one is begun only when the last has been taken, so that no more than two are in memory.
    """
    ready: queue.Queue[Callable[[], Batch | None]] = queue.Queue(1)
    stop, taken = threading.Event(), threading.Event()

    def offer(item: Callable[[], Batch | None]) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            while not stop.is_set() and ready.qsize():
                taken.wait(0.1)
                taken.clear()
            return True
        return False

    def read() -> None:
        try:
            for batch in batches:
                if not offer(lambda batch=batch: batch):  # type: ignore[misc]
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where the batches are used
            offer(_raiser(error))
            return
        offer(lambda: None)

    thread = threading.Thread(target=read, name="outlay-reader", daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            taken.set()
            batch = item()
            if batch is None:
                return
            yield batch
    finally:
        stop.set()
        thread.join()


def _raiser(error: BaseException) -> Callable[[], Batch | None]:
    def raise_it() -> Batch | None:
        raise error

    return raise_it
