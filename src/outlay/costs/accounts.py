"""Every account in the bills, worked out from the charges: who pays, what it costs, when it was seen.

An account is known by its payer and its id, both text. A charge that names no sub account is its payer's own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

from outlay.costs import metrics
from outlay.costs.answer import EXACT, Answer, Row, plain
from outlay.costs.question import Question
from outlay.period import BillingPeriod

BY = ("x_Connection", "BillingAccountId", "SubAccountId", "SubAccountName")
NO_ACCOUNT = "(no account)"


@dataclass(frozen=True)
class Account:
    """`first` and `last` are months such as `2026-05`; `costs` are of one month, by currency, exact.

    `name` is from Organizations or else from the bill, blank when neither has one; `unit` None when it is not visible.
    `connections` bring its charges in; `connected_by` are those whose access is of the account itself.
    """

    payer: str
    account: str
    name: str
    unit: str | None
    connections: tuple[str, ...]
    connected_by: tuple[str, ...]
    is_connected: bool
    is_counted: bool
    costs: Mapping[str, Decimal]
    first: str
    last: str

    @property
    def is_payer(self) -> bool:
        return self.payer == self.account

    def as_dict(self) -> dict[str, Any]:
        return {
            "payer": self.payer,
            "account": self.account,
            "name": self.name or None,
            "unit": self.unit,
            "connected": self.is_connected,
            "counted": self.is_counted,
            "connected_by": list(self.connected_by),
            "connections": list(self.connections),
            "costs": {currency: plain(amount) for currency, amount in self.costs.items()},
            "first_seen": self.first,
            "last_seen": self.last,
        }


@dataclass(frozen=True)
class Accounts:
    """`beyond` is what the month's charges cost of accounts past the most that an answer names, by currency."""

    month: str
    metric: str
    rows: tuple[Account, ...]
    beyond: Mapping[str, Decimal]

    def as_dict(self) -> dict[str, Any]:
        return {
            "month": self.month,
            "metric": self.metric,
            "accounts": [each.as_dict() for each in self.rows],
            "beyond": {currency: plain(amount) for currency, amount in self.beyond.items()},
        }


def question(metric: str = metrics.DEFAULT) -> Question:
    """All months, as an account may have been seen in any."""
    return Question(metric=metric, by=BY, granularity="month")


@dataclass
class _Found:
    connections: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    months: set[str] = field(default_factory=set)
    costs: dict[str, Decimal] = field(default_factory=dict)

    def add(self, row: Row, month: str) -> None:
        connection, _, _, name = row.values
        seen = BillingPeriod.of(row.period).month
        self.connections.add(str(connection))
        self.months.add(seen)
        if name:
            self.names[seen] = str(name)
        if seen == month:
            self.costs[row.unit] = self.costs.get(row.unit, Decimal(0)) + row.amount


def accounts(
    answer: Answer,
    month: str,
    *,
    named: Mapping[str, tuple[str, str | None]],
    connected: Mapping[str, tuple[str, ...]],
    kinds: Mapping[str, str],
    switched: Collection[str] = (),
) -> Accounts:
    """Of the answer to `question`. `named` gives name and unit, `connected` the connections of an account.

    `kinds` are those of the connections that there are, by name. In bills of others than AWS an account has no
    connection of its own, so the bill's will do; in AWS's that is so for the payer alone.
    `switched` are the connections that count only connected accounts.
    """
    found: dict[tuple[str, str], _Found] = {}
    beyond: dict[str, Decimal] = {}
    with localcontext(EXACT):
        for row in answer.rows:
            if row.is_remainder:
                is_now = BillingPeriod.of(row.period).month == month
                beyond[row.unit] = beyond.get(row.unit, Decimal(0)) + (row.amount if is_now else 0)
                continue
            _, payer, account, _ = row.values
            found.setdefault((payer or "", account or payer or ""), _Found()).add(row, month)
    return Accounts(
        month,
        answer.question.metric,
        tuple(_account(key, each, named, connected, kinds, switched) for key, each in sorted(found.items())),
        dict(sorted(beyond.items())),
    )


def _account(
    key: tuple[str, str],
    found: _Found,
    named: Mapping[str, tuple[str, str | None]],
    connected: Mapping[str, tuple[str, ...]],
    kinds: Mapping[str, str],
    switched: Collection[str],
) -> Account:
    payer, account = key
    name, unit = named.get(account, ("", None))
    by = connected.get(account, ())
    newest = max(found.names, default="")
    of = {kinds[connection] for connection in found.connections if connection in kinds}
    is_own = bool(of) if payer == account else bool(of - {"aws"})
    return Account(
        payer,
        account,
        name or found.names.get(newest, ""),
        unit,
        tuple(sorted(found.connections)),
        by,
        bool(by) or is_own,
        bool(by) or is_own or not found.connections <= set(switched),
        dict(sorted(found.costs.items())),
        min(found.months),
        max(found.months),
    )
