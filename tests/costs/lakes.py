"""Charges of a test's own, put straight into a lake."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from outlay.costs.desk import Bounds, Desk
from outlay.costs.rollup import Builder
from outlay.engine import open_engine
from outlay.lake import Lake, Partition, open_lake
from outlay.settings import Settings
from tests.costs.lake_of_charges import Charge, arrow, charge


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


class Shop:
    """A lake in a folder, and desks that answer from it."""

    def __init__(self, home: Path) -> None:
        chosen = Settings.read({}, home=home, threads=1)
        home.mkdir(parents=True, exist_ok=True)
        self.lake = open_lake(chosen)
        self.engine = open_engine(chosen)
        self.spool = home / "spool"
        self.builder = Builder(self.lake, self.engine, self.spool, smallest=0, repeats=1)

    def desk(self, **bounds: Any) -> Desk:
        return Desk(self.lake, self.engine, Bounds(**bounds))

    def bring(self, partition: Partition, delivery: str, rows: list[Charge]) -> None:
        bring(self.lake, partition, delivery, rows, self.spool)

    def close(self) -> None:
        self.engine.close()
        self.lake.close()


def bill(connection: str, month: int, delivery: str = "d1", count: int = 60) -> list[Charge]:
    """Charges that repeat, so that roll-ups are smaller; those of `b` have other tag keys."""
    rows = []
    for number in range(count):
        rows += [
            charge(
                f"{number % 7}.{number:018}",
                on=f"2026-{month:02}-{number % 28 + 1:02}T{number % 24:02}:00",
                BillingCurrency="USD" if number % 5 else "EUR",
                ServiceName=f"s{number % 4}",
                RegionId=[None, "", "eu", "us"][number % 4],
                SubAccountId=str(number % 2),
                ResourceId=f"r{number % 6}",
                ChargeCategory="Tax" if number % 11 == 0 else "Usage",
                CommitmentDiscountStatus=[None, "Unused", "Used"][number % 3],
                ConsumedQuantity=Decimal(number) if number % 3 else None,
                ConsumedUnit="GB",
                Tags={"team" if connection == "a" else "squad": f"t{number % 3}"} if number % 4 else None,
                x_Connection=connection,
                x_Delivery=delivery,
                x_SourceFile="bill.csv",
                x_SourceRow=number,
            )
        ] * 3
    return rows
