"""Which charges are left out because their account is not connected: a filter on what is read, and nothing else.

A payer's own charges, and those that name no account, always count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import ibis.expr.types as ir

from outlay.costs.rollup import Rollups
from outlay.lake import Partition

PAYER, ACCOUNT = "BillingAccountId", "SubAccountId"


@dataclass(frozen=True)
class Only:
    """Of the bills of `connections` the charges of `accounts` count; of other bills, all. `is_rest` is the opposite."""

    connections: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    is_rest: bool = False

    @property
    def rest(self) -> Only:
        """What is left out."""
        return replace(self, is_rest=not self.is_rest)

    def holds(self, partition: Partition) -> bool:
        """False when no charge of the partition can count."""
        return not self.is_rest or partition.connection in self.connections

    def usable(self, partition: Partition, has: Rollups | None) -> Rollups | None:
        """The roll-ups that tell whose charges they are, where that matters."""
        if has is None or partition.connection not in self.connections:
            return has
        told = {PAYER, ACCOUNT}
        return replace(has, tables=tuple(each for each in has.tables if told <= set(each.kind.columns)))

    def of(self, rows: ir.Table) -> ir.Table:
        """Those that count, of charges or of a usable roll-up."""
        if not self.connections or ACCOUNT not in rows.columns:
            return rows
        account = rows[ACCOUNT]
        is_own = account.isnull() | (account == "") | (account == rows[PAYER]).fill_null(False)
        if self.accounts:
            is_own = is_own | account.isin(sorted(self.accounts)).fill_null(False)
        is_left_out = rows.x_Connection.isin(sorted(self.connections)).fill_null(False) & ~is_own
        return rows.filter(is_left_out if self.is_rest else ~is_left_out)

    @property
    def sql(self) -> str:
        """The same as a condition of SQL; blank when every charge counts."""
        if not self.connections:
            return ""
        own = [f"coalesce({ACCOUNT}, '') = ''", f"{ACCOUNT} IS NOT DISTINCT FROM {PAYER}"]
        if self.accounts:
            own.append(f"{ACCOUNT} IN ({_texts(self.accounts)})")
        return f"coalesce(x_Connection NOT IN ({_texts(self.connections)}), true) OR {' OR '.join(own)}"


def _texts(values: frozenset[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(values))
