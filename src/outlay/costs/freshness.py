"""How fresh and how final the bills behind an answer are. Pure: the facts are handed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from outlay.costs.plan import may_hold
from outlay.costs.question import Question
from outlay.lake import Partition
from outlay.period import BillingPeriod

FINAL, ESTIMATED, UNKNOWN = "final", "estimated", "unknown"
_STATES = (ESTIMATED, UNKNOWN, FINAL)
# Of a connection's status, what is to be told beside its charges.
BEHIND = ("late", "failing")


@dataclass(frozen=True)
class Bill:
    """A live billing period of a connection. `state` is that of the run that brought it in; times are aware."""

    connection: str
    period: BillingPeriod
    state: str
    delivered_at: datetime | None = None


@dataclass(frozen=True)
class Freshness:
    """What stands above an answer.

    A month is final when it is so for every connection, and estimated when it is so for any. `behind` are the
    connections that are late or failing, with their status.
    """

    newest: datetime | None
    estimated: tuple[BillingPeriod, ...]
    unknown: tuple[BillingPeriod, ...]
    final: tuple[BillingPeriod, ...]
    behind: tuple[tuple[str, str], ...]

    def text(self, now: datetime) -> str:
        """One line for people."""
        if not (self.estimated or self.unknown or self.final):
            return " ".join(("There are no bills for these days.", *self._behind()))
        delivered = (
            [f"Newest delivery {_ago(now - self.newest)} ({self.newest:%Y-%m-%d %H:%M} UTC)."] if self.newest else []
        )
        states = [
            f"{said}: {_months(months)}."
            for said, months in (
                ("Estimated", self.estimated),
                ("Not known whether final", self.unknown),
                ("Final", self.final),
            )
            if months
        ]
        return " ".join([*delivered, *states, *self._behind()])

    def _behind(self) -> list[str]:
        by_status = {status: [name for name, its in self.behind if its == status] for status in BEHIND}
        return [f"{status.capitalize()}: {', '.join(names)}." for status, names in by_status.items() if names]

    def as_dict(self) -> dict[str, Any]:
        return {
            "newest": self.newest.isoformat().replace("+00:00", "Z") if self.newest else None,
            **{state: [period.month for period in getattr(self, state)] for state in _STATES},
            "behind": [{"connection": name, "status": status} for name, status in self.behind],
        }


def freshness(question: Question, bills: Iterable[Bill], statuses: Iterable[tuple[str, str]]) -> Freshness:
    """Of the bills and connections that the question may have charges of. `statuses` are name and status of each.

    A connection that has no bill in the question is told too, as long as a filter does not leave it out: its charges
    may be what is missing.
    """
    kept = [bill for bill in bills if may_hold(question, Partition(bill.connection, bill.period))]
    states: dict[BillingPeriod, str] = {}
    for bill in kept:
        before = states.get(bill.period, FINAL)
        states[bill.period] = min(before, bill.state, key=_STATES.index)
    anywhere = Question(filters=tuple(each for each in question.filters if each.column == "x_Connection"))
    some = next(iter(states), BillingPeriod(2000, 1))
    return Freshness(
        newest=max((bill.delivered_at.astimezone(UTC) for bill in kept if bill.delivered_at), default=None),
        estimated=_of(states, ESTIMATED),
        unknown=_of(states, UNKNOWN),
        final=_of(states, FINAL),
        behind=tuple(
            (name, status)
            for name, status in sorted(statuses)
            if status in BEHIND and may_hold(anywhere, Partition(name, some))
        ),
    )


def _of(states: dict[BillingPeriod, str], state: str) -> tuple[BillingPeriod, ...]:
    return tuple(sorted(period for period, its in states.items() if its == state))


def _months(periods: Sequence[BillingPeriod]) -> str:
    """Months in a row as a range: `2026-01 to 2026-10, 2026-12`."""
    runs: list[list[BillingPeriod]] = []
    for period in periods:
        if runs and runs[-1][-1].next() == period:
            runs[-1].append(period)
        else:
            runs.append([period])
    return ", ".join(run[0].month if len(run) == 1 else f"{run[0].month} to {run[-1].month}" for run in runs)


def _ago(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds()) // 60)
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"
