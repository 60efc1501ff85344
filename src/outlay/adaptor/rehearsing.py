"""A dry run: rows are read, mapped and checked as for a publish, and added up; nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from outlay.drops.carrying import check_filled
from outlay.drops.checking import Checker, Unknown, period_of
from outlay.drops.publishing import Mode
from outlay.drops.reading import Contents, Counter, bad
from outlay.drops.rows import chunks
from outlay.drops.values import plain
from outlay.engine.base import Told
from outlay.errors import UsageError
from outlay.findings import Finding, in_order
from outlay.period import BillingPeriod
from outlay.settings import Settings

FIRST = 5


@dataclass(frozen=True)
class Rehearsal:
    """What a publish would send: by billing period what it holds, and the first rows as CBF has them."""

    periods: dict[BillingPeriod, Contents]
    first: tuple[dict[str, str | None], ...]
    findings: tuple[Finding, ...] = ()

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.periods.values())

    @property
    def cost(self) -> Decimal:
        """The sum of `cost/cost` over all periods."""
        return sum((each.cost for each in self.periods.values()), Decimal(0))

    def as_dict(self) -> dict[str, Any]:
        return {
            "periods": [
                {
                    "period": period.id,
                    "rows": each.rows,
                    "sums": {name: plain(amount) for name, amount in each.sums.items()},
                    "services": [
                        {"service": name or None, "rows": rows, "cost": plain(cost)}
                        for name, (rows, cost) in each.services.items()
                    ],
                }
                for period, each in self.periods.items()
            ],
            "first": list(self.first),
            "findings": [finding.as_dict() for finding in self.findings],
        }


def rehearse(
    rows: Any,
    settings: Settings,
    scratch: Path,
    *,
    period: BillingPeriod | None = None,
    mode: Mode = "replace",
    key: Sequence[str] = (),
    floats: bool = False,
    unknown: Unknown = "refuse",
) -> Rehearsal:
    """Raises DeliveryError as a publish would, and UsageError where there are no rows."""
    told = Told()
    checker = Checker(told, period=period, floats=floats, unknown=unknown)
    counters: dict[int, Counter] = {}
    first: list[dict[str, str | None]] = []
    for chunk in chunks(rows, settings, scratch):
        checked = checker.check(chunk)
        if mode == "append":
            check_filled(key, chunk, checked.table, told)
        if told.is_bad():
            continue
        if len(first) < FIRST:
            first += checked.table.slice(0, FIRST - len(first)).to_pylist()
        for month in np.unique(checked.months):
            own = checked.table.filter(pa.array(checked.months == month))
            counters.setdefault(int(month), Counter()).add(own)
    if told.is_bad():
        raise bad(told, "The rows cannot be published", "Nothing was published.")
    if not counters:
        raise UsageError("There are no rows to publish.", next="Give rows, or leave fewer of them out.")
    found = {period_of(month): counters[month].contents(Told()) for month in sorted(counters)}
    return Rehearsal(found, tuple(first), in_order(told.findings))
