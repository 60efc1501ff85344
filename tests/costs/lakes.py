"""Charges of a test's own, put straight into a lake."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from outlay.lake import Lake, Partition
from tests.costs.lake_of_charges import Charge, arrow


def bring(lake: Lake, partition: Partition, delivery: str, rows: Sequence[Charge], spool: Path) -> None:
    """Make a delivery live over whatever is; one that lies in the lake already comes as it is."""
    live = lake.live_of(partition)
    files = lake.staged(partition, delivery)
    if not files:
        spool.mkdir(parents=True, exist_ok=True)
        path = spool / f"{secrets.token_hex(4)}.parquet"
        pq.write_table(arrow(rows), path)
        files = lake.stage(partition, delivery, [path], {})
    lake.replace(partition, delivery, files, expected=live.delivery if live else None)
