"""The first page's numbers: this month so far, where it is going, who is paid, and what moved. Pure but for asking.

All per currency. Days are UTC, and `today` is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any

from outlay.costs import metrics
from outlay.costs.answer import EXACT, Answer, plain, sums
from outlay.costs.question import Question
from outlay.costs.table import Line, Table, percent
from outlay.period import BillingPeriod

_DAY = timedelta(days=1)
_WEEK = 7
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
    """One currency's month. `before` is what the same days of last month cost; `projection` is None without a past."""

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
class Overview:
    """`months` has one line a currency; `providers` and `movers` are lines with values of one column, compared."""

    today: date
    question: Question
    months: tuple[Month, ...]
    providers: Table
    services: Table

    @property
    def movers(self) -> tuple[Line, ...]:
        return self.services.movers(MOVERS)

    def as_dict(self) -> dict[str, Any]:
        return {
            "today": self.today.isoformat(),
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
    """Ask what the page needs: the days of this month and the last, and two tables that compare them."""
    so_far = Question(metric=metric, start=today.replace(day=1), end=today, range="month-to-date", compare=True)
    daily = ask(daily_question(today, metric))
    providers, services = (table(_by(so_far, column)) for column in (PROVIDER, MOVER))
    return Overview(today, so_far, months(daily, today), providers, services)


def daily_question(today: date, metric: str = metrics.DEFAULT) -> Question:
    """Each day from the start of last month on."""
    return Question(metric=metric, granularity="day", start=BillingPeriod.of(today).previous().start.date(), end=today)


def months(daily: Answer, today: date) -> tuple[Month, ...]:
    """Of each currency in the answer to `daily_question`."""
    by_unit: dict[str, dict[date, Decimal]] = {}
    for row in daily.rows:
        by_unit.setdefault(row.unit, {})[row.period.date()] = row.amount
    every = [day for days in by_unit.values() for day in days]
    known = (min(every, default=today), max(every, default=today))
    before = daily_question(today).start or today
    last_before = min(before + (today - today.replace(day=1)), today.replace(day=1) - _DAY)
    return tuple(
        Month(
            unit,
            _between(days, today.replace(day=1), today),
            _between(days, before, last_before),
            projection(days, known, today, unit),
        )
        for unit, days in sorted(by_unit.items())
    )


def projection(days: Mapping[date, Decimal], known: tuple[date, date], today: date, unit: str) -> Projection | None:
    """`days` are one currency's costs, `known` the first and the last day with charges of any, from last month on.

    A day is complete when a later one has charges: bills come a day or two behind. None when no day is complete.
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


def _by(question: Question, column: str) -> Question:
    return Question(
        metric=question.metric, by=(column,), start=question.start, end=question.end, range=question.range, compare=True
    )


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
