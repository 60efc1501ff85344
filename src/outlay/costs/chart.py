"""An answer as a chart draws it: every period of its days, and a series a group with an amount for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from outlay.costs.answer import MOST_ROWS, Answer, plain, sums, text_of
from outlay.costs.question import CLOCK, WHOLE, Question
from outlay.period import BillingPeriod

# Periods that are drawn for the sake of no gap: the days of five years.
MOST = 2_000


@dataclass(frozen=True)
class Series:
    """`amounts` are one a period, 0 where the group has none. `values` are those of the question's `by`."""

    values: tuple[Any, ...]
    unit: str
    amounts: tuple[Decimal, ...]
    is_remainder: bool


@dataclass(frozen=True)
class Chart:
    """Of each unit the dearest series first and the remainder last. `periods` are first moments, without a gap."""

    question: Question
    periods: tuple[datetime, ...]
    series: tuple[Series, ...]

    def as_dict(self) -> dict[str, Any]:
        """Amounts are decimal texts, periods days, or moments for hours."""
        is_hourly = self.question.granularity == "hour"
        return {
            "periods": [text_of(period) if is_hourly else period.date().isoformat() for period in self.periods],
            "series": [
                {
                    "values": [text_of(value) for value in each.values],
                    "unit": each.unit,
                    "amounts": [plain(amount) for amount in each.amounts],
                    "remainder": each.is_remainder,
                }
                for each in self.series
            ],
        }


def chart(answer: Answer) -> Chart:
    periods = tuple(_periods(answer))
    places = {period: place for place, period in enumerate(periods)}
    found: dict[tuple[str, bool, tuple[Any, ...]], list[Decimal]] = {}
    for row in answer.rows:
        amounts = found.setdefault((row.unit, row.is_remainder, row.values), [Decimal(0)] * len(periods))
        amounts[places[row.period]] = row.amount
    totals = sums((key, amount) for key, amounts in found.items() for amount in amounts)
    order = sorted(found, key=lambda key: (key[0], key[1], -totals[key], str(key[2])))
    series = tuple(Series(values, unit, tuple(found[unit, rest, values]), rest) for unit, rest, values in order)
    return Chart(answer.question, periods, series)


def _periods(answer: Answer) -> Iterable[datetime]:
    """Every period of the days asked for, and any further one that holds charges.

    Of very many, be it for the number of series, only those from the first charges to the last; of too many even then,
    only those with charges.
    """
    if answer.start is None or answer.end is None:
        return ()
    held = sorted({row.period for row in answer.rows})
    series = len({(row.unit, row.is_remainder, row.values) for row in answer.rows})
    most = min(MOST, MOST_ROWS // max(1, series))
    asked = [
        datetime.combine(answer.start, time(), UTC),
        datetime.combine(answer.end, time(), UTC) + timedelta(days=1, seconds=-1),
    ]
    if answer.question.steps.kind == WHOLE:
        return held or asked[:1]
    for ends in ([*asked, *held], held):
        if ends and len(found := list(islice(_between(answer.question, min(ends), max(ends)), most + 1))) <= most:
            return found
    return held


def _between(question: Question, first: datetime, last: datetime) -> Iterator[datetime]:
    steps = question.steps
    if steps.kind == CLOCK:
        yield from map(steps.start, range(steps.number(first), steps.number(last) + 1))
    else:
        month = _first_month(first.date(), steps.months)
        while month.start <= last:
            yield month.start
            month = month.shift(steps.months)


def _first_month(day: date, months: int) -> BillingPeriod:
    """The first month of the group of months that holds a day."""
    month = BillingPeriod.of(day)
    return month.shift(-((month.month_number - 1) % months))
