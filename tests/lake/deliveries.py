"""Deliveries of a few charges, written straight into a lake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from outlay.lake import Lake, Partition
from outlay.period import BillingPeriod


def partition(month: int = 5, connection: str = "acme") -> Partition:
    return Partition(connection, BillingPeriod(2026, month))


def stage(lake: Lake, to: Partition, delivery: str, costs: Sequence[int], spool: Path) -> list[str]:
    """Stage a delivery with a file for each cost, so that half of it would be told by its sum."""
    spool.mkdir(parents=True, exist_ok=True)
    paths = [_file(spool / f"{number:05}.parquet", to, cost) for number, cost in enumerate(costs)]
    return lake.stage(to, delivery, paths, {})


def _file(path: Path, to: Partition, cost: int) -> Path:
    columns: dict[str, Any] = {
        "BilledCost": pa.array([Decimal(cost)], pa.decimal128(38, 18)),
        "x_Connection": pa.array([to.connection]),
        "x_BillingPeriod": pa.array([to.period.id]),
    }
    pq.write_table(pa.table(columns), path)
    return path


def bring(lake: Lake, to: Partition, delivery: str, costs: Sequence[int], spool: Path) -> None:
    """Stage and commit, over whatever is live."""
    live = lake.live_of(to)
    files = stage(lake, to, delivery, costs, spool)
    lake.replace(to, delivery, files, expected=live.delivery if live else None)


def total(files: Iterable[str]) -> Decimal | int:
    """What the charges in files of a lake in a folder cost."""
    tables = (pq.read_table(file.removeprefix("file://"), columns=["BilledCost"]) for file in files)
    return sum((each.as_py() for table in tables for each in table["BilledCost"]), Decimal(0))
