"""Rows of an AWS month as a legacy Cost and Usage Report, in each of AWS's compressions and versionings.

Source of the layout: AWS's user guide, "Viewing AWS Cost and Usage Report files in Amazon S3".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pyarrow as pa

from outlay.demo.cur_columns import COLUMNS, LEFT_OUT_WHEN_UNUSED, MAPS, athena_name
from outlay.demo.files import Row, Value, csv_bytes, gzipped, parquet_bytes, plain, put, put_json, split, text, zipped
from outlay.period import BillingPeriod

Compression = Literal["gzip", "zip", "none", "parquet"]
Versioning = Literal["new", "overwrite"]

_ENDINGS = {"gzip": ".csv.gz", "zip": ".csv.zip", "none": ".csv", "parquet": ".snappy.parquet"}
_IN_MANIFEST = {
    "gzip": ("GZIP", "text/csv"),
    "zip": ("ZIP", "text/csv"),
    "none": ("NONE", "text/csv"),
    "parquet": ("Parquet", "Parquet"),
}
_ARROW: dict[str, pa.DataType] = {"s": pa.string(), "n": pa.float64(), "t": pa.timestamp("ms", tz="UTC")}
_MANIFEST_TYPES = {"s": "String", "n": "OptionalBigDecimal", "t": "DateTime"}


@dataclass(frozen=True)
class _Field:
    """A column of one report: where its value is, and in which map if in one."""

    header: str
    kind: str
    key: str
    within: str = ""

    def of(self, row: Row) -> Value:
        if not self.within:
            return row.get(self.key)
        inside = row.get(self.within)
        found: Value = inside.get(self.key) if isinstance(inside, dict) else None
        return found


def write_legacy_cur(
    directory: Path,
    rows: Sequence[Row],
    *,
    report: str,
    prefix: str,
    period: BillingPeriod,
    compression: Compression = "gzip",
    versioning: Versioning = "new",
    parts: int = 1,
    bucket: str = "sample-bucket",
) -> Path:
    """Write one delivery below `directory`, which stands for the bucket, and return the period's manifest.

    A later call for the same period is a later delivery: with `new` it gets an assembly folder of its own and the
    manifest names it, with `overwrite` it takes the place of the files before (surplus old parts stay, as at AWS).
    """
    fields = _fields(rows)
    chunks = [_content(chunk, fields, compression, report, n) for n, chunk in enumerate(split(rows, parts), 1)]
    assembly = _assembly(chunks)
    home = "/".join(part for part in (prefix.strip("/"), report) if part)
    folder = _folder(home, report, period, compression, assembly if versioning == "new" else "")
    names = [f"{folder}/{report}-{n:05}{_ENDINGS[compression]}" for n in range(1, len(chunks) + 1)]
    for name, content in zip(names, chunks, strict=True):
        put(directory / name, content)
    account = str(rows[0]["bill_payer_account_id"]) if rows else ""
    manifest = _manifest(fields, report, period, compression, assembly, names, bucket, account)
    if versioning == "new":
        put_json(directory / home / period.id / assembly / f"{report}-Manifest.json", manifest)
    return put_json(directory / home / period.id / f"{report}-Manifest.json", manifest)


def _folder(home: str, report: str, period: BillingPeriod, compression: Compression, assembly: str) -> str:
    if assembly:
        return f"{home}/{period.id}/{assembly}"
    if compression == "parquet":
        return f"{home}/{report}/year={period.year}/month={period.month_number}"
    return f"{home}/{period.id}"


def _assembly(chunks: Sequence[bytes]) -> str:
    return str(UUID(bytes=sha256(b"".join(chunks)).digest()[:16], version=4))


def _fields(rows: Sequence[Row]) -> list[_Field]:
    """The columns of this delivery: AWS leaves some out when no row has a value, and adds one for each tag key."""
    used = {key for row in rows for key, value in row.items() if value is not None}
    fixed = [
        _Field(column.header, column.kind, column.name)
        for column in COLUMNS
        if not column.only_cur2 and (column.name in used or not LEFT_OUT_WHEN_UNUSED.match(column.header))
    ]
    return [*fixed, *(field for within in MAPS for field in _map_fields(rows, within))]


def _map_fields(rows: Sequence[Row], within: str) -> list[_Field]:
    keys = {key for row in rows for key in _keys(row.get(within))}
    kind = "n" if within == "discount" else "s"
    return [_Field(f"{MAPS[within]}/{key}", kind, key, within) for key in sorted(keys)]


def _keys(value: Value) -> Sequence[str]:
    return list(value) if isinstance(value, dict) else ()


def java_number(value: Decimal) -> str:
    """As AWS prints it: tiny amounts with an exponent, `4.0E-7`."""
    return str(value) if value.adjusted() < -6 and value else plain(value)


def _content(rows: Sequence[Row], fields: list[_Field], compression: Compression, report: str, number: int) -> bytes:
    if compression == "parquet":
        return parquet_bytes(_parquet_columns(rows, fields))
    cells = ([text(field.of(row), java_number) for field in fields] for row in rows)
    content = csv_bytes([field.header for field in fields], cells)
    if compression == "gzip":
        return gzipped(content)
    return zipped(content, f"{report}-{number:05}.csv") if compression == "zip" else content


def _parquet_columns(rows: Sequence[Row], fields: list[_Field]) -> dict[str, tuple[pa.DataType, list[Any]]]:
    """Under Athena's names, where keys that differ in case alone fall together; blanks are '' and 0, as AWS writes."""
    columns: dict[str, tuple[pa.DataType, list[Any]]] = {}
    for field in fields:
        values = [_parquet_value(field, row) for row in rows]
        name = athena_name(field.header)
        if name in columns:
            values = [old or new for old, new in zip(columns[name][1], values, strict=True)]
        columns[name] = (_ARROW[field.kind], values)
    return columns


def _parquet_value(field: _Field, row: Row) -> str | float | datetime | None:
    value = field.of(row)
    if field.kind == "n":
        return float(value) if isinstance(value, Decimal) else 0.0
    if field.kind == "t":
        return value if isinstance(value, datetime) else None
    return text(value)


def _manifest(
    fields: list[_Field],
    report: str,
    period: BillingPeriod,
    compression: Compression,
    assembly: str,
    names: list[str],
    bucket: str,
    account: str,
) -> dict[str, Any]:
    packing, content_type = _IN_MANIFEST[compression]
    return {
        "assemblyId": assembly,
        "account": account,
        "columns": [_manifest_column(field) for field in fields],
        "charset": "UTF-8",
        "compression": packing,
        "contentType": content_type,
        "reportId": sha256(report.encode()).hexdigest(),
        "reportName": report,
        "billingPeriod": {
            "start": f"{period.start:%Y%m%dT%H%M%S}.000Z",
            "end": f"{period.end:%Y%m%dT%H%M%S}.000Z",
        },
        "bucket": bucket,
        "reportKeys": names,
        "additionalArtifactKeys": [],
    }


def _manifest_column(field: _Field) -> dict[str, str]:
    category, _, name = field.header.partition("/")
    return {"category": category, "name": name, "type": _MANIFEST_TYPES[field.kind]}
