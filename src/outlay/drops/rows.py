"""Where rows come from: whatever holds them is read as a stream of Arrow tables, a few ten thousand rows at a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from outlay.engine.base import Input, Limits, Shape
from outlay.engine.parse import NUMBER
from outlay.engine.querying import stream
from outlay.engine.reader import Reader
from outlay.engine.twins import real
from outlay.errors import UsageError
from outlay.findings import Finding
from outlay.settings import Settings
from outlay.storage import Location

_MAPPINGS = 8_192
_BATCH = 65_536
ENDINGS = (".csv", ".csv.gz", ".csv.zip", ".parquet")
_KINDS = (
    "Give mappings, a table of pandas, Polars or Arrow, a path of CSV or Parquet files, a DuckDB relation, "
    "outlay.drops.Sql(…) or a database cursor."
)


@dataclass(frozen=True)
class Sql:
    """Rows that a SELECT gives, which DuckDB runs on this machine: `Sql("select … from 'usage/*.parquet'")`."""

    query: str


@dataclass(frozen=True)
class Chunk:
    """Some rows. `source` is how findings name where they come from; `numbers` are those of the rows in it, from 1.

    `more` counts, by code, the findings that are not given one by one.
    """

    source: str
    table: pa.Table
    numbers: np.ndarray[Any, np.dtype[np.int64]]
    findings: tuple[Finding, ...] = ()
    more: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Ready:
    """Rows that somebody has read and mapped already, with what is wrong in them."""

    chunks: Iterable[Chunk]


def chunks(rows: Any, settings: Settings, scratch: Path) -> Iterator[Chunk]:
    """`rows` a bit at a time, in their order. Raises UsageError for what no rows can be had from."""
    for is_it, read in _SOURCES:
        if is_it(rows):
            return read(rows, settings, scratch)
    raise UsageError(f"A {type(rows).__name__} holds no rows.", next=_KINDS)


def from_files(files: Sequence[Input], settings: Settings, *, max_rows: int | None = None) -> Iterator[Chunk]:
    """CSV (plain, gzip or zip) and Parquet. What is wrong with a file comes as findings, its other rows come."""
    limits = Limits(settings.max_unpacked, settings.max_ratio, settings.max_columns, settings.max_field)
    seen = ""
    for batch in Reader(_everything(max_rows), limits).batches(files):
        table = batch.table
        if batch.file.name == seen and not table.num_rows and not batch.findings:
            continue
        seen = batch.file.name
        if NUMBER not in table.column_names:
            yield Chunk(batch.file.name, pa.table({}), _numbers(0, 0), batch.findings)
            continue
        numbers = table[NUMBER].to_numpy()
        plain = table.drop_columns([NUMBER])
        yield Chunk(
            batch.file.name, plain.rename_columns([real(name) for name in plain.column_names]), numbers, batch.findings
        )


def _everything(max_rows: int | None) -> Shape:
    return Shape(
        header=lambda file, columns: [],
        wanted=lambda columns: columns,
        json=lambda columns: (),
        max_rows_a_file=max_rows,
    )


def _numbers(before: int, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.arange(before + 1, before + count + 1, dtype=np.int64)


def _of_batches(batches: Iterable[pa.RecordBatch], source: str = "rows") -> Iterator[Chunk]:
    before = 0
    for batch in _translated(batches):
        # A table that is in memory already may come in one piece.
        for start in range(0, max(batch.num_rows, 1), _BATCH):
            table = pa.Table.from_batches([batch.slice(start, _BATCH)])
            yield Chunk(source, table, _numbers(before, table.num_rows))
            before += table.num_rows


def _translated(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except pa.ArrowException as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> UsageError:
    line = str(error).partition("\n")[0].rstrip(". ")
    return UsageError(f"The rows cannot be read: {line}.", next="Give columns that each hold values of one type.")


def _sql(rows: Sql, settings: Settings, scratch: Path) -> Iterator[Chunk]:
    return _of_batches(stream(rows.query, scratch, threads=settings.threads), "query")


def _files(rows: Any, settings: Settings, scratch: Path) -> Iterator[Chunk]:
    paths = [rows] if isinstance(rows, str | Path) else list(rows)
    found = [file for path in paths for file in _below(_local(path))]
    return from_files([Input(path, str(path), path.stat().st_size) for path in found], settings)


def _local(path: str | Path) -> Path:
    if isinstance(path, str) and "://" in path:
        location = Location.parse(path)
        if not location.is_folder:
            raise UsageError(f"{path} lies in a bucket.", next="Give files of this machine, or a query that reads it.")
        return Path(location.path)
    return Path(path).expanduser()


def _below(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UsageError(f"There is no file or folder {path}.", next="Correct the path.")
    found = sorted(each for each in path.rglob("*") if each.is_file() and each.name.lower().endswith(ENDINGS))
    if not found:
        raise UsageError(f"{path} holds no file that ends in {', '.join(ENDINGS)}.", next="Correct the path.")
    return found


def _relation(rows: Any, settings: Settings, scratch: Path) -> Iterator[Chunk]:
    return _of_batches(rows.to_arrow_reader(_BATCH))


def _arrow(rows: Any, settings: Settings, scratch: Path) -> Iterator[Chunk]:
    try:
        reader = pa.RecordBatchReader.from_stream(rows)
    except pa.ArrowException as error:
        # pandas finds out only here what its columns hold.
        raise _unreadable(error) from error
    return _of_batches(reader)


def _cursor(rows: Any, settings: Settings, scratch: Path) -> Iterator[Chunk]:
    names = [column[0] for column in rows.description or ()]
    for name, count in Counter(names).items():
        if count > 1:
            raise UsageError(f"The query gives the column {name!r} {count} times.", next="Name each column once.")
    fetched = iter(lambda: rows.fetchmany(_MAPPINGS), [])
    return _mappings((dict(zip(names, row, strict=True)) for some in fetched for row in some), settings, scratch)


def _mappings(rows: Iterable[Any], settings: Settings, scratch: Path) -> Iterator[Chunk]:
    left, before = iter(rows), 0
    while some := list(islice(left, _MAPPINGS)):
        for number, row in enumerate(some, start=before + 1):
            if not isinstance(row, Mapping):
                raise UsageError(f"Row {number} is a {type(row).__name__}, not a mapping.", next=_KINDS)
        names = dict.fromkeys(name for row in some for name in row)
        if odd := [name for name in names if not isinstance(name, str)]:
            raise UsageError(f"The rows have the column {odd[0]!r}, which is no text.", next=_KINDS)
        table = pa.table({name: _column([row.get(name) for row in some]) for name in names})
        yield Chunk("rows", table, _numbers(before, len(some)))
        before += len(some)


def _column(values: list[Any]) -> Any:
    """Values of one kind keep it; of several kinds each becomes the text that it is written as."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {str} or (len(kinds) == 1 and kinds <= {int, float}):
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, OverflowError):
            # An int that is too long, or half of a surrogate pair.
            return pa.array([_text(value) for value in values], pa.string())
    if kinds <= {Decimal}:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, ValueError, TypeError):
            # Wider than Arrow's, or infinite.
            return pa.array([_text(value) for value in values], pa.string())
    if any(issubclass(kind, _FLOATS) for kind in kinds):
        # Kept as what they are, so that they are told.
        return _with_floats(values)
    return pa.array([_text(value) for value in values], pa.string())


# NumPy's narrow ones are no floats of Python.
_FLOATS = (float, np.floating)


def _double(value: Any) -> float:
    """The double that is written as the value is: a narrow one has digits of its own."""
    return float(value) if isinstance(value, float) else float(str(value))


def _with_floats(values: list[Any]) -> Any:
    fields: dict[str, Any] = {
        "float": pa.array([_double(value) if isinstance(value, _FLOATS) else None for value in values], pa.float64()),
        "text": pa.array([None if isinstance(value, _FLOATS) else _text(value) for value in values], pa.string()),
    }
    return pa.StructArray.from_arrays(list(fields.values()), names=list(fields))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if type(value) in _AS_TEXT:
        return _AS_TEXT[type(value)](value)
    return next((write(value) for kind, write in _AS_TEXT.items() if isinstance(value, kind)), None) or str(value)


def _time(value: datetime) -> str:
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.isoformat().replace("+00:00", "Z")


# The order counts where one kind is another's: a datetime is a date, a bool an int.
_AS_TEXT: dict[type, Callable[[Any], str]] = {
    str: lambda value: str(value).encode("utf-8", "replace").decode(),
    bool: lambda value: str(value).lower(),
    int: str,
    Decimal: lambda value: f"{value:f}",
    datetime: _time,
    date: date.isoformat,
    dict: lambda value: json.dumps(value, ensure_ascii=False, default=str),
}


def _is_paths(rows: Any) -> bool:
    if isinstance(rows, list | tuple) and rows:
        return all(isinstance(each, str | Path) for each in rows)
    return isinstance(rows, str | Path)


# What holds rows, how it is known, and how it is read; the first that fits.
_SOURCES: tuple[tuple[Callable[[Any], bool], Callable[[Any, Settings, Path], Iterator[Chunk]]], ...] = (
    (lambda rows: isinstance(rows, Ready), lambda rows, settings, scratch: iter(rows.chunks)),
    (lambda rows: isinstance(rows, Sql), _sql),
    (_is_paths, _files),
    (lambda rows: hasattr(rows, "to_arrow_reader"), _relation),
    (lambda rows: hasattr(rows, "__arrow_c_stream__"), _arrow),
    (lambda rows: hasattr(rows, "fetchmany") and hasattr(rows, "description"), _cursor),
    (lambda rows: isinstance(rows, Iterable) and not isinstance(rows, Mapping | bytes), _mappings),
)
