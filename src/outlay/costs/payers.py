"""What deliveries hold of each payer: sums and accounts, added up from charges or from roll-ups of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir

from outlay.costs.answer import sums
from outlay.costs.only import ACCOUNT, PAYER
from outlay.costs.overlap import COLUMNS, Bill
from outlay.focus.columns import DECIMAL
from outlay.lake import Partition
from outlay.period import BillingPeriod

_KEYS = ("x_Connection", "x_BillingPeriod", PAYER, ACCOUNT, "BillingCurrency")


def sums_by_payer(tables: Sequence[ir.Table]) -> ir.Table:
    """Of charges, or of roll-ups that have payer and account."""
    first, *more = (each.select(*_KEYS, *COLUMNS.values()) for each in tables)
    rows = ibis.union(first, *more) if more else first
    return rows.group_by(list(_KEYS)).agg(**{name: rows[name].sum().cast(DECIMAL) for name in COLUMNS.values()})


def bills_of(partitions: Iterable[Partition], rows: Iterable[Mapping[str, Any]]) -> dict[Partition, dict[str, Bill]]:
    """Of the rows of `sums_by_payer`, by payer; a blank payer is none."""
    found: dict[Partition, dict[str, list[Mapping[str, Any]]]] = {each: {} for each in partitions}
    for row in rows:
        partition = Partition(row["x_Connection"], BillingPeriod.parse(row["x_BillingPeriod"]))
        found[partition].setdefault(row[PAYER] or "", []).append(row)
    return {
        partition: {payer: _bill(partition, payer, its) for payer, its in by_payer.items()}
        for partition, by_payer in found.items()
    }


def _bill(partition: Partition, payer: str, rows: Sequence[Mapping[str, Any]]) -> Bill:
    costs = {
        metric: dict(sorted(sums((row["BillingCurrency"] or "", row[name] or Decimal(0)) for row in rows).items()))
        for metric, name in COLUMNS.items()
    }
    accounts = frozenset(row[ACCOUNT] or payer for row in rows) if payer else frozenset()
    return Bill(partition, payer, costs, accounts)
