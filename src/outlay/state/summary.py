"""What the list of connections tells of each, besides its status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from outlay.costs.answer import EXACT, Answer, plain
from outlay.costs.question import Question
from outlay.lake import Live, Partition
from outlay.period import BillingPeriod

MONTHS = 12


@dataclass(frozen=True)
class Summary:
    """`costs` are billed, by month such as `2026-05` and currency, oldest first; empty when they could not be asked.

    `accounts` are those that the bills were sent to.
    """

    newest: BillingPeriod | None = None
    state: str = "unknown"
    rows: int = 0
    all_rows: int = 0
    delivered_at: datetime | None = None
    accounts: tuple[str, ...] = ()
    costs: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)

    def cost_of(self, month: str) -> Mapping[str, Decimal]:
        return self.costs.get(month, {})

    def as_dict(self) -> dict[str, Any]:
        return {
            "newest_period": self.newest.id if self.newest else None,
            "state": self.state,
            "rows": self.rows,
            "last_delivery": self.delivered_at.isoformat() if self.delivered_at else None,
            "accounts": list(self.accounts),
            "billed": {
                month: {currency: plain(amount) for currency, amount in its.items()}
                for month, its in self.costs.items()
            },
        }


def question(now: datetime) -> Question:
    """What was billed in the last months, by connection and account."""
    first = BillingPeriod.of(now).shift(1 - MONTHS)
    return Question.parse(
        metric="billed", by=("x_Connection", "BillingAccountId"), granularity="month", start=first.month
    )


def summaries(
    names: Iterable[str],
    live: Mapping[Partition, Live],
    delivered: Mapping[tuple[str, BillingPeriod, str], tuple[str, datetime]],
    answer: Answer | None,
) -> dict[str, Summary]:
    """By name. `delivered` tells of each delivery its state and when it came."""
    costs, accounts = _costs(answer)
    return {name: _summary(name, live, delivered, costs.get(name, {}), accounts.get(name, {})) for name in names}


def _summary(
    name: str,
    live: Mapping[Partition, Live],
    delivered: Mapping[tuple[str, BillingPeriod, str], tuple[str, datetime]],
    costs: Mapping[str, Mapping[str, Decimal]],
    accounts: Mapping[str, None],
) -> Summary:
    mine = {partition.period: each for partition, each in live.items() if partition.connection == name}
    newest = max(mine, default=None)
    times = [at for (connection, _, _), (_, at) in delivered.items() if connection == name]
    told = delivered.get((name, newest, mine[newest].delivery)) if newest else None
    return Summary(
        newest,
        told[0] if told else "unknown",
        mine[newest].rows if newest else 0,
        sum(each.rows for each in mine.values()),
        max(times, default=None),
        tuple(accounts),
        dict(sorted(costs.items())),
    )


def _costs(answer: Answer | None) -> tuple[dict[str, dict[str, dict[str, Decimal]]], dict[str, dict[str, None]]]:
    """By connection: amounts by month and currency; and the accounts, each once, in order."""
    costs: dict[str, dict[str, dict[str, Decimal]]] = {}
    accounts: dict[str, dict[str, None]] = {}
    if answer is None:
        return costs, accounts
    with localcontext(EXACT):
        for row in answer.rows:
            name, account = row.values
            its = costs.setdefault(name, {}).setdefault(BillingPeriod.of(row.period).month, {})
            its[row.unit] = its.get(row.unit, Decimal(0)) + row.amount
            if account:
                accounts.setdefault(name, {})[str(account)] = None
    return costs, {name: dict.fromkeys(sorted(its)) for name, its in accounts.items()}
