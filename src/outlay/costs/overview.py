"""The first page's numbers: this month so far, where it is going, who is paid, and what moved. Pure but for asking.

All per currency. Days are UTC, and `today` is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any

from outlay.costs import metrics, ranges
from outlay.costs.answer import EXACT, Answer, plain, sums
from outlay.costs.question import Question
from outlay.costs.table import Line, Table, percent
from outlay.period import BillingPeriod

_DAY = timedelta(days=1)
_WEEK = 7
# A connection that is further behind than this may have ended.
_LONG = timedelta(days=14)
_CENT = Decimal("0.01")
PROVIDER, MOVER = "ServiceProviderName", "ServiceName"
MOVERS = 5


@dataclass(frozen=True)
class Projection:
    """What the month will come to: `so_far` up to the day `through`, and the mean of the last `days` complete days for
    each of the days `left`. Amounts are rounded to cents first, so that the formula can be followed on paper.
    """

    so_far: Decimal
    through: date
    mean: Decimal
    days: int
    left: int
    total: Decimal
    unit: str

    @property
    def formula(self) -> str:
        """With its numbers, for people."""
        return (
            f"{_money(self.so_far)} {self.unit} up to {self.through} + {_money(self.mean)} (the mean of the last "
            f"{self.days} complete days) × {self.left} days left = {_money(self.total)} {self.unit}"
        )


@dataclass(frozen=True)
class Month:
    """One currency's month up to the last day with charges. `before` is what the same days of last month cost, 0 when
    nothing has come of this month yet; `projection` is None without a past.
    """

    unit: str
    so_far: Decimal
    before: Decimal
    projection: Projection | None

    @property
    def change(self) -> Decimal:
        with localcontext(EXACT):
            return self.so_far - self.before

    @property
    def change_percent(self) -> Decimal | None:
        return percent(self.change, abs(self.before))


@dataclass(frozen=True)
class Days:
    """What each day cost, by unit, and the last day up to now on which each connection has charges."""

    costs: Mapping[str, Mapping[date, Decimal]]
    last: Mapping[str | None, date]

    @classmethod
    def of(cls, daily: Answer, today: date) -> Days:
        """Of the answer to `daily_question`."""
        added = sums(((row.unit, row.period.date()), row.amount) for row in daily.rows)
        costs: dict[str, dict[date, Decimal]] = {}
        for (unit, day), amount in added.items():
            costs.setdefault(unit, {})[day] = amount
        last: dict[str | None, date] = {}
        for row in daily.rows:
            (connection,), day = row.values, min(row.period.date(), today)
            last[connection] = max(last.get(connection, day), day)
        return cls(costs, last)

    @property
    def newest(self) -> date | None:
        return max(self.last.values(), default=None)

    @property
    def known(self) -> tuple[date, date] | None:
        """The first day with charges, and the last that no connection lacks, but for those that are behind for long."""
        if self.newest is None:
            return None
        oldest = min(day for days in self.costs.values() for day in days)
        return oldest, min(day for day in self.last.values() if day >= self.newest - _LONG)


@dataclass(frozen=True)
class Overview:
    """`months` has one line a currency; `providers` and `movers` are lines with values of one column, compared.

    `through` is the last day of this month with charges, at which all of them end; None when there is none.
    """

    today: date
    through: date | None
    question: Question
    days: Days
    months: tuple[Month, ...]
    providers: Table
    services: Table

    @property
    def movers(self) -> tuple[Line, ...]:
        return self.services.movers(MOVERS)

    def as_dict(self) -> dict[str, Any]:
        return {
            "today": self.today.isoformat(),
            "through": self.through.isoformat() if self.through else None,
            "months": [_told(month) for month in self.months],
            "providers": self.providers.as_dict()["rows"],
            "movers": [
                {MOVER: line.values[0], "currency": line.unit, "change": plain(line.change or Decimal(0))}
                for line in self.movers
            ],
        }


def overview(
    ask: Callable[[Question], Answer],
    table: Callable[[Question], Table],
    today: date,
    *,
    metric: str = metrics.DEFAULT,
) -> Overview:
    """Ask what the page needs: the days of this month and the last, and two tables that compare them.

    Bills come a day or two behind, so both months end at the last day with charges.
    """
    first = today.replace(day=1)
    days = Days.of(ask(daily_question(today, metric)), today)
    through = days.newest if days.newest and days.newest >= first else None
    so_far = Question(
        metric=metric,
        start=first,
        end=through or today,
        range="month-to-date" if through in (None, today) else None,
        compare=through is not None,
    )
    providers, services = (table(replace(so_far, by=(column,))) for column in (PROVIDER, MOVER))
    return Overview(today, through, so_far, days, _months(days, through, today), providers, services)


def daily_question(today: date, metric: str = metrics.DEFAULT) -> Question:
    """Each day from the start of last month on, by connection."""
    start = BillingPeriod.of(today).previous().start.date()
    return Question(metric=metric, by=("x_Connection",), granularity="day", start=start, end=today)


def _months(days: Days, through: date | None, today: date) -> tuple[Month, ...]:
    first = today.replace(day=1)
    last_before = ranges.before(first, through)[1] if through else date.min
    return tuple(
        Month(
            unit,
            _between(costs, first, through or today),
            _between(costs, BillingPeriod.of(today).previous().start.date(), last_before),
            projection(costs, days.known, today, unit) if days.known else None,
        )
        for unit, costs in sorted(days.costs.items())
    )


def projection(days: Mapping[date, Decimal], known: tuple[date, date], today: date, unit: str) -> Projection | None:
    """`days` are one currency's costs; `known` is as `Days.known`.

    A day is complete when all have charges of a later one. None when no day is complete.
    """
    oldest, newest = known
    through = min(newest, today) - _DAY
    first = max(oldest, through - (_WEEK - 1) * _DAY)
    count = (through - first).days + 1
    if count < 1:
        return None
    month = BillingPeriod.of(today)
    start, end = month.start.date(), month.end.date() - _DAY
    left = (end - max(through, start - _DAY)).days
    with localcontext(EXACT):
        mean = (_between(days, first, through) / count).quantize(_CENT)
        so_far = _between(days, start, through).quantize(_CENT)
        return Projection(so_far, through, mean, count, left, so_far + mean * left, unit)


def _between(days: Mapping[date, Decimal], first: date, last: date) -> Decimal:
    return sums(("", amount) for day, amount in days.items() if first <= day <= last).get("", Decimal(0))


def _told(month: Month) -> dict[str, Any]:
    projected = month.projection
    return {
        "currency": month.unit,
        "so_far": plain(month.so_far),
        "before": plain(month.before),
        "change": plain(month.change),
        "change_percent": None if month.change_percent is None else plain(month.change_percent),
        "projection": plain(projected.total) if projected else None,
        "formula": projected.formula if projected else None,
    }


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"
