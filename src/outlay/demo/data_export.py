"""AWS Data Exports: CUR 2.0 and FOCUS, as CSV or Parquet, overwritten or with a folder for each delivery.

Sources: AWS's user guide, "Understanding export delivery"; the shape of the manifest and the lower-case partition of
FOCUS exports from manifests that users have published.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pyarrow as pa

from outlay.demo.cur_columns import COLUMNS, PRODUCT_COLUMNS, athena_name
from outlay.demo.files import Row, Value, csv_bytes, gzipped, parquet_bytes, put, put_json, split, text
from outlay.demo.focus_columns import focus_columns
from outlay.demo.legacy_cur import Versioning
from outlay.period import BillingPeriod

ExportCompression = Literal["gzip", "parquet"]

_TEXTS = pa.map_(pa.string(), pa.string())
_NUMBERS = pa.map_(pa.string(), pa.float64())
_TIME = pa.timestamp("ms")
_ARROW: dict[str, pa.DataType] = {"s": pa.string(), "n": pa.float64(), "t": _TIME, "m": _TEXTS, "d": _NUMBERS}
_MANIFEST_TYPES = {"s": "string", "n": "double", "t": "timestamp_milliseconds", "m": "map", "d": "map"}
_CUR2_MAPS = {"product": "m", "resource_tags": "m", "cost_category": "m", "discount": "d"}


@dataclass(frozen=True)
class _Export:
    name: str
    prefix: str
    period: BillingPeriod
    compression: ExportCompression
    versioning: Versioning
    parts: int
    bucket: str
    partition: str
    delivered: datetime


def write_cur2(
    directory: Path,
    rows: Sequence[Row],
    *,
    export: str,
    prefix: str,
    period: BillingPeriod,
    compression: ExportCompression = "parquet",
    versioning: Versioning = "overwrite",
    parts: int = 1,
    bucket: str = "sample-bucket",
    delivered: datetime | None = None,
    columns: Collection[str] | None = None,
) -> Path:
    """Write one delivery of a CUR 2.0 export below `directory`, which stands for the bucket; return its manifest.

    `columns` are those that the export's query selects; without them it selects all.
    """
    kinds = _chosen(cur2_columns(net=any("line_item_net_unblended_cost" in row for row in rows)), columns)
    what = _Export(
        *(export, prefix.strip("/"), period, compression, versioning, parts, bucket, "BILLING_PERIOD"),
        delivered or period.end + timedelta(days=2, hours=6, minutes=14),
    )
    return _write(directory, [_cur2_row(row) for row in rows], kinds, what)


def write_aws_focus(
    directory: Path,
    rows: Sequence[Row],
    *,
    export: str,
    prefix: str,
    period: BillingPeriod,
    version: Literal["1.0", "1.2"] = "1.2",
    compression: ExportCompression = "parquet",
    versioning: Versioning = "overwrite",
    parts: int = 1,
    bucket: str = "sample-bucket",
    partition: str = "billing_period",
    delivered: datetime | None = None,
    columns: Collection[str] | None = None,
) -> Path:
    """Write one delivery of AWS's FOCUS export; rows have FOCUS's column names, `Tags` and the like as maps.

    `columns` are those that the export's query selects; without them it selects all.
    """
    kinds = _chosen({column.name: column.kind for column in focus_columns(version, aws=True)}, columns)
    what = _Export(
        *(export, prefix.strip("/"), period, compression, versioning, parts, bucket, partition),
        delivered or period.end + timedelta(days=2, hours=6, minutes=14),
    )
    return _write(directory, rows, kinds, what)


def _write(directory: Path, rows: Sequence[Row], kinds: Mapping[str, str], what: _Export) -> Path:
    chunks = [_content(chunk, kinds, what.compression) for chunk in split(rows, what.parts)]
    execution = str(UUID(bytes=sha256(b"".join(chunks)).digest()[:16], version=4))
    home = "/".join(part for part in (what.prefix, what.name) if part)
    place = f"{what.partition}={what.period.month}"
    run = f"{what.delivered:%Y-%m-%dT%H:%M:%S}.000Z-{execution}"
    inner = f"{place}/{run}" if what.versioning == "new" else place
    ending = ".csv.gz" if what.compression == "gzip" else ".snappy.parquet"
    names = [f"{home}/data/{inner}/{what.name}-{n:05}{ending}" for n in range(1, len(chunks) + 1)]
    for name, content in zip(names, chunks, strict=True):
        put(directory / name, content)
    manifest = {
        "executionId": execution,
        "exportArn": f"arn:aws:bcm-data-exports:us-east-1:{_account(rows)}:export/{what.name}-{_export_id(what.name)}",
        "columns": [{"name": name, "type": _MANIFEST_TYPES[kind]} for name, kind in kinds.items()],
        "dataFiles": [f"s3://{what.bucket}/{name}" for name in names],
        "additionalOutputFiles": [],
    }
    if what.versioning == "new":
        put_json(directory / home / "metadata" / inner / f"{what.name}-Manifest.json", manifest)
    return put_json(directory / home / "metadata" / place / f"{what.name}-Manifest.json", manifest)


def _account(rows: Sequence[Row]) -> str:
    first = rows[0] if rows else {}
    return str(first.get("bill_payer_account_id") or first.get("BillingAccountId") or "")


def _export_id(name: str) -> UUID:
    return UUID(bytes=sha256(name.encode()).digest()[:16], version=4)


def _content(rows: Sequence[Row], kinds: Mapping[str, str], compression: ExportCompression) -> bytes:
    if compression == "parquet":
        return parquet_bytes(
            {name: (_ARROW[kind], [_arrow_value(row.get(name), kind) for row in rows]) for name, kind in kinds.items()}
        )
    cells = ([_cell(row.get(name), kind) for name, kind in kinds.items()] for row in rows)
    return gzipped(csv_bytes(list(kinds), cells))


def _cell(value: Value, kind: str) -> str:
    return "{}" if value is None and kind in "md" else text(value, when=_milliseconds)


def _milliseconds(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def _arrow_value(value: Value, kind: str) -> Any:
    if isinstance(value, dict):
        return [(key, float(inner) if kind == "d" else str(inner)) for key, inner in sorted(value.items())]
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return [] if value is None and kind in "md" else value


def _chosen(kinds: dict[str, str], columns: Collection[str] | None) -> dict[str, str]:
    return {name: kind for name, kind in kinds.items() if columns is None or name in columns}


def cur2_columns(*, net: bool = True) -> dict[str, str]:
    """All columns of the table with their kinds; net columns only where the payer has discounts."""
    kinds = {column.name: column.kind for column in COLUMNS if net or "_net_" not in column.name}
    products = {athena_name(f"product/{key}"): "s" for key in PRODUCT_COLUMNS}
    return dict(sorted((kinds | products | _CUR2_MAPS | {"discount_total_discount": "n"}).items()))


def _cur2_row(row: Row) -> Row:
    """Maps get the keys that CUR 2.0 has (`user_team`, `product_name`), and some of them columns of their own."""
    maps: Row = {name: _snake_keys(row.get(name)) for name in _CUR2_MAPS}
    product, discount = _map(row.get("product")), _map(row.get("discount"))
    own: Row = {athena_name(f"product/{key}"): product.get(key) for key in PRODUCT_COLUMNS}
    return {**row, **own, **maps, "discount_total_discount": discount.get("TotalDiscount")}


def _map(value: Value) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _snake_keys(value: Value) -> dict[str, Any]:
    return {athena_name(key): inner for key, inner in _map(value).items()}
