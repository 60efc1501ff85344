"""What pages, commands and the API tell of accounts: all of them, and each one's report."""

from __future__ import annotations

from datetime import UTC, datetime

from outlay.app import Outlay
from outlay.costs import metrics
from outlay.costs.accounts import Accounts, question
from outlay.costs.accounts import accounts as worked_out
from outlay.errors import UsageError
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
    return worked_out(
        o.ask(question(metric)),
        wanted,
        named={account: (each.name, each.unit) for account, each in kept.names().items()},
        connected=kept.connected(),
        kinds={row.name: row.kind for row in connections.every()},
    )


def unseen(o: Outlay) -> dict[str, str]:
    """The connections whose access shows no names, each with why."""
    _ = o.memory
    from outlay.state import accounts as kept

    return kept.unseen()


def _month(text: str) -> str:
    if not text:
        return BillingPeriod.of(datetime.now(UTC)).month
    try:
        return BillingPeriod.parse(text).month
    except ValueError as error:
        raise UsageError(f"{error}.", next="Write a month such as 2026-05.", field="month") from error
