"""What pages, commands and the API tell of accounts: all of them, and each one's report."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any

from outlay.app import Outlay
from outlay.costs import account_report, metrics
from outlay.costs.account_report import Report
from outlay.costs.accounts import Accounts, question
from outlay.costs.accounts import accounts as worked_out
from outlay.costs.answer import EXACT, plain, sums
from outlay.costs.question import Question
from outlay.errors import UnknownName, UsageError
from outlay.period import BillingPeriod

# A quantity has no currency.
COST_METRICS = tuple(name for name, each in metrics.METRICS.items() if each.unit == metrics.CURRENCY)


def accounts(o: Outlay, *, month: str = "", metric: str = metrics.DEFAULT) -> Accounts:
    """Every account in the bills; costs are of `month`, this one without it. Raises UsageError, Busy and TooSlow."""
    _ = o.memory
    from outlay.state import accounts as kept
    from outlay.state import connections

    if metric not in COST_METRICS:
        raise UsageError(f"{metric!r} is no cost.", next=f"Use one of {', '.join(COST_METRICS)}.", field="metric")
    wanted = _month(month)
    asked = question(metric)
    counted, left_out = o.ask(asked), o.desk.left_out(asked)
    return worked_out(
        replace(counted, rows=(*counted.rows, *left_out.rows)),
        wanted,
        named={account: (each.name, each.unit) for account, each in kept.names().items()},
        connected=kept.connected(),
        kinds={row.name: row.kind for row in connections.every()},
        switched=kept.only().connections,
    )


def unseen(o: Outlay) -> dict[str, str]:
    """The connections whose access shows no names, each with why."""
    _ = o.memory
    from outlay.state import accounts as kept

    return kept.unseen()


def report(o: Outlay, account: str, *, month: str = "", payer: str = "") -> Report:
    """What one account cost in a month, this one without it. Raises UnknownName, UsageError, Busy and TooSlow.

    An account that does not count has cost the same. `payer` is needed where the bills of several payers hold it.
    """
    found = accounts(o, month=month)
    wanted = [each for each in found.rows if each.account == account and payer in ("", each.payer)]
    if not account or not wanted:
        near = difflib.get_close_matches(account, [each.account for each in found.rows], n=3)
        hint = f"Did you mean {', '.join(near)}?" if near else "See outlay accounts for those there are."
        raise UnknownName(f"No bill holds charges of an account {account!r}.", next=hint)
    if len(wanted) > 1:
        payers = ", ".join(each.payer for each in wanted)
        raise UsageError(
            f"The account {account} stands in the bills of several payers: {payers}.",
            next="Name one of them as the payer.",
            field="payer",
        )
    (one,) = wanted
    answers = {
        metric: [
            answer(each)
            for each in account_report.questions(one, found.month, metric)
            for answer in (o.ask, o.desk.left_out)
        ]
        for metric in account_report.METRICS
    }
    return account_report.report(one, found.month, answers)


@dataclass(frozen=True)
class Ignored:
    """What accounts cost that are not connected, of connections that count only connected ones: by name and currency.

    `month` is of one month, `all` of every one that counts.
    """

    name: str
    month: Mapping[str, Mapping[str, Decimal]]
    all: Mapping[str, Mapping[str, Decimal]]

    @property
    def totals(self) -> dict[str, Decimal]:
        """Of the month, over all connections."""
        return sums((currency, amount) for its in self.month.values() for currency, amount in its.items())

    def of(self, connection: str) -> dict[str, Any]:
        """As the API and the command tell it of one connection."""
        return {
            "connection": connection,
            "only_connected": connection in self.all,
            "month": self.name,
            "ignored": {currency: plain(each) for currency, each in self.month.get(connection, {}).items()},
            "ignored_in_all": {currency: plain(each) for currency, each in self.all.get(connection, {}).items()},
        }


def ignored(o: Outlay, *, month: str = "", metric: str = metrics.DEFAULT) -> Ignored:
    """Empty while no connection leaves anything out. Raises UsageError, Busy and TooSlow."""
    _ = o.memory
    from outlay.state import accounts as kept

    wanted, switched = _month(month), kept.only().connections
    found: list[dict[str, dict[str, Decimal]]] = [{name: {} for name in sorted(switched)} for _ in range(2)]
    if switched:
        answer = o.desk.left_out(Question(metric=metric, by=("x_Connection",), granularity="month"))
        with localcontext(EXACT):
            for row in answer.rows:
                for its in found if BillingPeriod.of(row.period).month == wanted else found[1:]:
                    costs = its[row.values[0]]
                    costs[row.unit] = costs.get(row.unit, Decimal(0)) + row.amount
    return Ignored(wanted, *found)


def count_only_connected(o: Outlay, name: str, *, is_on: bool, by: str = "") -> None:
    """Raises UnknownName, and UsageError for a connection that brings in no bill of a payer."""
    _ = o.memory
    from outlay.state import accounts as kept
    from outlay.state import acts

    if kept.count_only_connected(name, is_on=is_on):
        acts.note(name, by, "accounts", said="connected ones alone." if is_on else "every one.")


def _month(text: str) -> str:
    if not text:
        return BillingPeriod.of(datetime.now(UTC)).month
    try:
        return BillingPeriod.parse(text).month
    except ValueError as error:
        raise UsageError(f"{error}.", next="Write a month such as 2026-05.", field="month") from error
