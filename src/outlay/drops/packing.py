"""Text tables become the data files of a drop: gzipped CSV with a header, at most a million rows each.

The gzip header of each names the file and how many there are, `data_export-000001-of-000005.csv`, as gzip has a place
for the name of what it packed. Readers pass over it; Outlay sees by it whether a drop is whole.
"""

from __future__ import annotations

import csv
import io
import re
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from isal import isal_zlib

from outlay.drops.rows import from_files
from outlay.drops.values import added, total
from outlay.engine.base import Input
from outlay.errors import Bug
from outlay.formats.cbf import NUMBERS
from outlay.settings import Settings
from outlay.storage.faults import translated

COSTS = tuple(name for name in NUMBERS if name.startswith("cost/"))

_BLOCK = 65_536
_AHEAD = 2
_LEVEL = 1
_NAMED = re.compile(rb"data_export-(\d{6})-of-(\d{6})\.csv")
# Magic, deflate, "a name follows", no time, fastest, Unix.
_HEAD = b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x04\x03"
HEAD_BYTES = 64


@dataclass(frozen=True)
class Sizes:
    """What a data file may have at most. Past so many bytes, as packed, another is begun: it is sent from memory."""

    rows: int = 1_000_000
    bytes: int = 48 * 1024 * 1024


def file_name(number: int) -> str:
    return f"data_export-{number:04}.csv.gz"


def _inner_name(number: int, of: int) -> bytes:
    return f"data_export-{number:06}-of-{of:06}.csv".encode()


def files_of(head: bytes) -> int | None:
    """How many files the drop has, by the first bytes of its first file; None of files that others have written."""
    found = _NAMED.match(head, len(_HEAD)) if head.startswith(_HEAD[:4]) else None
    return int(found[2]) if found else None


@dataclass(frozen=True)
class Part:
    """One data file, ready to be sent."""

    path: Path
    name: str
    rows: int


class _Open:
    """A data file that is being written."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.columns = tuple(columns)
        self.rows = self.size = 0
        self._file: IO[bytes] = path.open("wb")
        self._deflate = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -15)
        self._crc = self._length = 0
        self._put(_HEAD + _inner_name(0, 0) + b"\0")
        self._add(_header(columns))

    def add(self, table: pa.Table) -> None:
        self._add(_csv(table))
        self.rows += table.num_rows

    def _add(self, content: bytes) -> None:
        self._crc = isal_zlib.crc32(content, self._crc)
        self._length += len(content)
        self._put(self._deflate.compress(content))

    def _put(self, content: bytes) -> None:
        self._file.write(content)
        self.size += len(content)

    def close(self) -> None:
        self._put(self._deflate.flush() + struct.pack("<II", self._crc, self._length & 0xFFFFFFFF))
        self._file.close()

    def abandon(self) -> None:
        # What is still in its buffer may find the disk full.
        with suppress(OSError):
            self._file.close()


def _header(columns: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(columns)
    return line.getvalue().encode()


def _csv(table: pa.Table) -> bytes:
    """Rows as RFC 4180 has them. Quotes cost five times what the rest does: most blocks need none."""
    try:
        content = _written(table, "none")
    except pa.ArrowInvalid:
        content = _written(table, "needed")
    lines = content.count(b"\n")
    if lines != table.num_rows and lines - _breaks(table) != table.num_rows:
        raise Bug(f"{table.num_rows} rows became {lines} lines.", next="Please report this; nothing was published.")
    return content


def _written(table: pa.Table, quoting: Any) -> bytes:
    out = pa.BufferOutputStream()
    pa_csv.write_csv(table, out, pa_csv.WriteOptions(include_header=False, quoting_style=quoting, batch_size=_BLOCK))
    return out.getvalue().to_pybytes()


def _breaks(table: pa.Table) -> int:
    """Line breaks inside values."""
    return sum(pc.sum(pc.count_substring(column, "\n")).as_py() or 0 for column in table.itercolumns())


@dataclass
class Packer:
    """Writes the data files of one drop into a folder, by a thread of its own, with bounded memory.

    A column that comes late is in every file all the same: the files before it are written again at the end.
    """

    folder: Path
    settings: Settings
    sizes: Sizes = field(default_factory=Sizes)
    columns: list[str] = field(default_factory=list)
    rows: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)
    _parts: list[_Open] = field(default_factory=list)
    _waiting: list[pa.Table] = field(default_factory=list)
    _under_way: list[Future[None]] = field(default_factory=list)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "outlay-packer"))

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, table: pa.Table) -> None:
        """Text columns only. Raises DiskFull, be it for rows that were added before."""
        if not table.num_rows:
            return
        if new := [name for name in table.column_names if name not in self.columns]:
            self._submit()
            self.columns += new
        for name in COSTS:
            if name in table.column_names:
                found = [total(chunk) for chunk in table[name].chunks]
                self.sums[name] = added([self.sums.get(name, Decimal(0)), *found])
        self.rows += table.num_rows
        self._waiting.append(self._aligned(table, self.columns))
        if sum(each.num_rows for each in self._waiting) >= _BLOCK:
            self._submit()

    @staticmethod
    def _aligned(table: pa.Table, columns: Sequence[str]) -> pa.Table:
        nothing = pa.nulls(table.num_rows, pa.string())
        given: dict[str, Any] = dict(zip(table.column_names, table.columns, strict=True))
        return pa.table({name: given.get(name, nothing) for name in columns})

    def _submit(self) -> None:
        if not self._waiting:
            return
        table, columns = pa.concat_tables(self._waiting), tuple(self.columns)
        self._waiting = []
        self._under_way.append(self._thread.submit(self._write, table, columns))
        while len(self._under_way) > _AHEAD:
            self._under_way.pop(0).result()

    def _write(self, table: pa.Table, columns: tuple[str, ...]) -> None:
        with translated(self.folder, writing=self.folder):
            while table.num_rows:
                part = self._part(columns)
                room = self.sizes.rows - part.rows
                part.add(table.slice(0, room))
                table = table.slice(room)

    def _part(self, columns: tuple[str, ...]) -> _Open:
        """The file to write to: another one where the last is full or lacks a column."""
        if self._parts:
            last = self._parts[-1]
            if last.rows < self.sizes.rows and last.size < self.sizes.bytes and last.columns == columns:
                return last
            last.close()
        self._parts.append(_Open(self.folder / f"{len(self._parts):06}", columns))
        return self._parts[-1]

    def finish(self) -> list[Part]:
        """The files, in their order; one with a header alone where there are no rows."""
        self._submit()
        for each in self._under_way:
            each.result()
        self._thread.shutdown()
        with translated(self.folder, writing=self.folder):
            if not self._parts:
                self._parts.append(_Open(self.folder / "000000", self.columns))
            self._parts[-1].close()
            parts = [again for part in self._parts for again in self._whole(part)]
            for number, part in enumerate(parts, start=1):
                _name(part.path, number, len(parts))
        return [Part(part.path, file_name(number), part.rows) for number, part in enumerate(parts, start=1)]

    def _whole(self, part: _Open) -> Iterator[_Open]:
        """The file as it is, or anew where columns came after it."""
        if part.columns == tuple(self.columns):
            yield part
            return
        again = _Open(part.path.with_suffix(".wide"), self.columns)
        for chunk in from_files([Input(part.path, part.path.name, part.size)], self.settings):
            if chunk.findings:
                raise Bug(f"A file that was just written: {chunk.findings[0].message}", next="Please report this.")
            if chunk.table.num_rows:
                again.add(self._aligned(chunk.table, self.columns))
        again.close()
        part.path.unlink()
        if again.rows != part.rows:
            raise Bug(f"{part.rows} rows became {again.rows}.", next="Please report this; nothing was published.")
        yield again

    def abandon(self) -> None:
        self._thread.shutdown(cancel_futures=True)
        for part in self._parts:
            part.abandon()


def _name(path: Path, number: int, of: int) -> None:
    """Write the name into the room that the header has for it."""
    with path.open("r+b") as file:
        file.seek(len(_HEAD))
        file.write(_inner_name(number, of))
