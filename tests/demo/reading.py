"""Reads bills back with csv and pyarrow alone: no Outlay code stands between the files and the test."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SPLIT_COST = ("EKSPod-EC2", "ECSTask-EC2")


def records(path: Path) -> list[dict[str, Any]]:
    if path.name.endswith(".parquet"):
        return _parquet(path)
    content = path.read_bytes()
    if path.name.endswith(".gz"):
        content = gzip.decompress(content)
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(archive.namelist()[0])
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


def _parquet(path: Path) -> list[dict[str, Any]]:
    table = pq.read_table(path, partitioning=None)
    maps = [field.name for field in table.schema if pa.types.is_map(field.type)]
    return [row | {name: dict(row[name] or ()) for name in maps} for row in table.to_pylist()]


def amount(value: object) -> Decimal:
    """A cell as an exact decimal; a double counts by its shortest text."""
    return Decimal(str(value)) if value not in (None, "") else Decimal(0)


def manifest(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text())
    assert isinstance(found, dict)
    return found


def legacy_rows(bucket: Path, manifest_path: Path) -> list[dict[str, Any]]:
    return [row for key in manifest(manifest_path)["reportKeys"] for row in records(bucket / key)]


def export_rows(bucket: Path, manifest_path: Path) -> list[dict[str, Any]]:
    uris = manifest(manifest_path)["dataFiles"]
    return [row for uri in uris for row in records(bucket / uri.removeprefix("s3://").partition("/")[2])]
