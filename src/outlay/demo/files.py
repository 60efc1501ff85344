"""The same rows give the same bytes: no clock, no host name, no order of a set ends up in a file."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

Value: TypeAlias = "str | Decimal | datetime | dict[str, Any] | None"
Row: TypeAlias = dict[str, Value]


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def put_json(path: Path, content: object) -> Path:
    return put(path, (json.dumps(content, indent=2) + "\n").encode())


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)


def zipped(content: bytes, name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def parquet_bytes(columns: Mapping[str, tuple[pa.DataType, list[Any]]]) -> bytes:
    arrays = [pa.array(values, type=kind) for kind, values in columns.values()]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays, names=list(columns)), sink, compression="snappy", coerce_timestamps="ms")
    return bytes(sink.getvalue().to_pybytes())


def plain(value: Decimal) -> str:
    """Without an exponent: CBF knows none."""
    return format(value, "f")


@lru_cache(4096)
def instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def json_text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, default=str, sort_keys=True, ensure_ascii=False)


def text(value: Value, number: Callable[[Decimal], str] = plain, when: Callable[[datetime], str] = instant) -> str:
    """The value as a CSV cell; nothing is an empty cell and a map is a JSON object."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, datetime):
        return when(value)
    return json_text(value)


def split(rows: Sequence[Row], parts: int) -> list[Sequence[Row]]:
    """`parts` runs of about equal length, in order."""
    size = max(1, -(-len(rows) // parts))
    return [rows[n * size : (n + 1) * size] for n in range(parts)]
