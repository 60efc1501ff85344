"""What the list of connections tells of each, besides its status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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


def newest(live: Mapping[Partition, Live]) -> dict[str, Partition]:
    """The newest period of each connection."""
    return {partition.connection: partition for partition in sorted(live)}


def summaries(
    names: Iterable[str],
    live: Mapping[Partition, Live],
    delivered: Mapping[str, datetime],
    states: Mapping[tuple[str, BillingPeriod, str], str],
    answer: Answer | None,
) -> dict[str, Summary]:
    """By name. `delivered` tells when the last delivery came, `states` what is said of each newest period."""
    costs, accounts = _costs(answer)
    last, rows = newest(live), Counter[str]()
    for partition, each in live.items():
        rows[partition.connection] += each.rows
    return {
        name: _summary(
            Summary(
                all_rows=rows[name],
                delivered_at=delivered.get(name),
                accounts=tuple(accounts.get(name, {})),
                costs=dict(sorted(costs.get(name, {}).items())),
            ),
            last.get(name),
            live,
            states,
        )
        for name in names
    }


def _summary(
    made: Summary,
    last: Partition | None,
    live: Mapping[Partition, Live],
    states: Mapping[tuple[str, BillingPeriod, str], str],
) -> Summary:
    """With what is said of its newest period."""
    if last is None:
        return made
    state = states.get((*last, live[last].delivery), "unknown")
    return replace(made, newest=last.period, state=state, rows=live[last].rows)


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
