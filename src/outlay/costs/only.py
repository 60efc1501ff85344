"""Which charges are left out: a filter on what is read, and nothing else.

Of accounts that are not connected, where only connected ones count: a payer's own charges, and those that name no
account, always do. And of payers whose bill of the month counts in another connection.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import ibis.expr.types as ir

from outlay.costs.rollup import Rollups
from outlay.lake import Partition

PAYER, ACCOUNT = "BillingAccountId", "SubAccountId"


@dataclass(frozen=True)
class LeftOut:
    """A connection's charges of these payers in a billing period, such as `20260501-20260601`, count elsewhere."""

    connection: str
    period: str
    payers: frozenset[str]


@dataclass(frozen=True)
class Only:
    """Of the bills of `connections` the charges of `accounts` count; of other bills, all. `is_rest` is the opposite.

    What is `twice` never counts, in neither of the two.
    """

    connections: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    is_rest: bool = False
    twice: frozenset[LeftOut] = frozenset()

    @property
    def rest(self) -> Only:
        """What is left out."""
        return replace(self, is_rest=not self.is_rest)

    def holds(self, partition: Partition) -> bool:
        """False when no charge of the partition can count."""
        return not self.is_rest or partition.connection in self.connections

    def usable(self, partition: Partition, has: Rollups | None) -> Rollups | None:
        """The roll-ups that tell whose charges they are, where that matters."""
        if has is None or self.is_whole(partition):
            return has
        told = {PAYER, ACCOUNT} if partition.connection in self.connections else {PAYER}
        return replace(has, tables=tuple(each for each in has.tables if told <= set(each.kind.columns)))

    def is_whole(self, partition: Partition) -> bool:
        """Does every charge of it count?"""
        return (
            partition.connection not in self.connections
            and (partition.connection, partition.period.id) not in self._cut
        )

    @cached_property
    def _cut(self) -> frozenset[tuple[str, str]]:
        return frozenset((each.connection, each.period) for each in self.twice)

    def of(self, rows: ir.Table) -> ir.Table:
        """Those that count, of charges or of a usable roll-up."""
        if self.twice and PAYER in rows.columns:
            rows = rows.filter(*(~_are(rows, *each) for each in self._groups))
        if not self.connections or ACCOUNT not in rows.columns:
            return rows
        account = rows[ACCOUNT]
        is_own = account.isnull() | (account == "") | (account == rows[PAYER]).fill_null(False)
        if self.accounts:
            is_own = is_own | account.isin(sorted(self.accounts)).fill_null(False)
        is_left_out = rows.x_Connection.isin(sorted(self.connections)).fill_null(False) & ~is_own
        return rows.filter(is_left_out if self.is_rest else ~is_left_out)

    @property
    def _groups(self) -> list[tuple[str, frozenset[str], frozenset[str]]]:
        """What is twice, as few as can be: a connection, billing periods, payers."""
        found: dict[tuple[str, frozenset[str]], set[str]] = {}
        for each in self.twice:
            found.setdefault((each.connection, each.payers), set()).add(each.period)
        groups = sorted((name, sorted(payers), sorted(periods)) for (name, payers), periods in found.items())
        return [(name, frozenset(periods), frozenset(payers)) for name, payers, periods in groups]

    @property
    def sql(self) -> str:
        """The same as a condition of SQL; blank when every charge counts."""
        conditions = [
            f"NOT coalesce(x_Connection = {_text(name)} AND x_BillingPeriod IN ({_texts(periods)}) "
            f"AND {PAYER} IN ({_texts(payers)}), false)"
            for name, periods, payers in self._groups
        ]
        if own := self._own_sql:
            conditions.append(f"({own})")
        return " AND ".join(conditions)

    @property
    def _own_sql(self) -> str:
        if not self.connections:
            return ""
        own = [f"coalesce({ACCOUNT}, '') = ''", f"{ACCOUNT} IS NOT DISTINCT FROM {PAYER}"]
        if self.accounts:
            own.append(f"{ACCOUNT} IN ({_texts(self.accounts)})")
        return f"coalesce(x_Connection NOT IN ({_texts(self.connections)}), true) OR {' OR '.join(own)}"


def _are(rows: ir.Table, connection: str, periods: frozenset[str], payers: frozenset[str]) -> ir.BooleanValue:
    """Never null, so that its opposite is right."""
    is_then = (rows.x_Connection == connection) & rows.x_BillingPeriod.isin(sorted(periods))
    found = is_then & rows[PAYER].isin(sorted(payers))
    return found.fill_null(False)


def _texts(values: frozenset[str]) -> str:
    return ", ".join(map(_text, sorted(values)))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
