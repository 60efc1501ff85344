"""A FOCUS export as most providers drop it: a folder for each month with CSV files in it, and no manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from outlay.demo.files import Row, csv_bytes, gzipped, put, split, text
from outlay.demo.focus_columns import focus_columns
from outlay.period import BillingPeriod


def write_focus_folder(
    directory: Path,
    rows: Sequence[Row],
    *,
    name: str,
    period: BillingPeriod,
    version: Literal["1.0", "1.2"] = "1.2",
    parts: int = 1,
) -> list[Path]:
    """Write `<directory>/2026-05/<name>-0001.csv.gz` and so on; nulls are empty cells."""
    columns = [column.name for column in focus_columns(version)]
    files = []
    for number, chunk in enumerate(split(rows, parts), 1):
        content = csv_bytes(columns, ([text(row.get(column)) for column in columns] for row in chunk))
        files.append(put(directory / period.month / f"{name}-{number:04}.csv.gz", gzipped(content)))
    return files
