"""Ranges of days: those that have a name, the one before, and how long one may be. Plain Python.

Days are UTC, and both ends are included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from outlay.errors import UsageError
from outlay.period import BillingPeriod

Days = tuple[date, date]

ALL = "all"
_DAY = timedelta(days=1)
# No bill has a day before or after these.
FIRST, LAST = date(1900, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True)
class Range:
    """A named range. `days` gives its first and last day as seen on a day; None is all there is."""

    name: str
    label: str
    days: Callable[[date], Days] | None


def _months(first: int, last: int) -> Callable[[date], Days]:
    """Whole calendar months, counted from the current one."""

    def days(today: date) -> Days:
        month = BillingPeriod.of(today)
        return _first(month.shift(first)), _last(month.shift(last))

    return days


def _complete_days(count: int) -> Callable[[date], Days]:
    return lambda today: (today - count * _DAY, today - _DAY)


def _quarter(shift: int) -> Callable[[date], Days]:
    def days(today: date) -> Days:
        month = BillingPeriod.of(today)
        first = month.shift(3 * shift - (month.month_number - 1) % 3)
        return _first(first), _last(first.shift(2))

    return days


_TABLE = (
    Range("this-month", "This month", _months(0, 0)),
    Range("last-month", "Last month", _months(-1, -1)),
    Range("month-to-date", "Month to date", lambda today: (today.replace(day=1), today)),
    Range("last-7-days", "Last 7 complete days", _complete_days(7)),
    Range("last-30-days", "Last 30 complete days", _complete_days(30)),
    Range("last-90-days", "Last 90 complete days", _complete_days(90)),
    Range("this-quarter", "This quarter", _quarter(0)),
    Range("last-quarter", "Last quarter", _quarter(-1)),
    Range("year-to-date", "Year to date", lambda today: (today.replace(month=1, day=1), today)),
    Range("last-12-months", "Last 12 months, with this one", _months(-11, 0)),
    Range(ALL, "All there is", None),
)
RANGES: dict[str, Range] = {each.name: each for each in _TABLE}

# Granularity → the longest range in days, how it is said, and what to choose for a longer one.
LONGEST: dict[str, tuple[int, str, str]] = {"hour": (31, "31 days", "day"), "day": (366, "a year", "week")}


def before(start: date, end: date) -> Days:
    """The period before, to compare with.

    Before whole calendar months come as many whole months. Before the first days of a month come the same days of the
    month before, as far as it has them. Before any other range come as many days. Raises UsageError before `FIRST`.
    """
    days = _before(start, end)
    if days[0] < FIRST:
        raise UsageError(f"There is no period before {start}.", next="Choose a later range.", field="compare")
    return days


def check_day(day: date | None) -> None:
    """Raises UsageError for a day that no bill has."""
    if day is not None and not FIRST <= day <= LAST:
        raise UsageError(f"There are no bills of {day}.", next=f"Choose days from {FIRST} to {LAST}.")


def _before(start: date, end: date) -> Days:
    first, last = BillingPeriod.of(start), BillingPeriod.of(end)
    if start == _first(first) and end == _last(last):
        count = (last.year - first.year) * 12 + last.month_number - first.month_number + 1
        return _first(first.shift(-count)), _last(first.previous())
    if start == _first(first) and first == last:
        month = first.previous()
        return _first(month), min(_last(month), _first(month) + (end - start))
    return start - (end - start) - _DAY, start - _DAY


def check_length(granularity: str, start: date | None, end: date | None) -> None:
    """Raises UsageError when a range is too long for periods so short; one without an end is."""
    if granularity not in LONGEST:
        return
    days, said, better = LONGEST[granularity]
    asked = (end - start).days + 1 if start and end else None
    if asked is None or asked > days:
        told = f"{asked} days" if asked else "all there is"
        raise UsageError(
            f"By {granularity} a question may take {said}, not {told}.",
            next=f"Choose a shorter range, or granularity {better}.",
            field="granularity",
        )


def _first(month: BillingPeriod) -> date:
    return month.start.date()


def _last(month: BillingPeriod) -> date:
    return month.end.date() - _DAY
