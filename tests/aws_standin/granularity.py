"""A month's line items by the hour, the day or the month, as the definition of a report or an export asks for them.

The rows of the sample bills are of a day, but for fees, taxes, credits and refunds, which are of the month whatever
the granularity. Each sum of a month is the same in all three, to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from outlay.demo.files import Row, Value, instant
from outlay.demo.ledger import number, rate_text
from outlay.demo.story import six_digits

START, END = "line_item_usage_start_date", "line_item_usage_end_date"
AMOUNT, COST = "line_item_usage_amount", "line_item_unblended_cost"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HOURS = DAY // HOUR
# Prices of a unit: the same in an hour as in a day.
PRICES = ("savings_plan_savings_plan_rate",)
RATES = ("line_item_unblended_rate", "line_item_blended_rate")
# As many places as AWS gives amounts.
PLACES = Decimal("1e-10")


def in_intervals(rows: Sequence[Row], granularity: str) -> list[Row]:
    """`granularity` is HOURLY, DAILY or MONTHLY."""
    return _WAYS[granularity](rows)


def _hourly(rows: Iterable[Row]) -> list[Row]:
    return [hour for row in rows for hour in (_hours(row) if _length(row) == DAY else (row,))]


def _daily(rows: Iterable[Row]) -> list[Row]:
    return list(rows)


def _monthly(rows: Iterable[Row]) -> list[Row]:
    """What is the same thing on each of its days is one row, which stands where its first day stood."""
    months: dict[object, list[Row]] = {}
    for place, row in enumerate(rows):
        is_of_a_day = _length(row) <= DAY
        months.setdefault(row["identity_line_item_id"] if is_of_a_day else place, []).append(row)
    return [_month(days) if _length(days[0]) <= DAY else days[0] for days in months.values()]


_WAYS: dict[str, Callable[[Sequence[Row]], list[Row]]] = {"HOURLY": _hourly, "DAILY": _daily, "MONTHLY": _monthly}


def _hours(row: Row) -> Iterator[Row]:
    """The last hour has what the others leave, so that nothing is lost to rounding."""
    whole = number(row, AMOUNT)
    used = [six_digits(whole / HOURS)] * (HOURS - 1)
    used.append(whole - sum(used, Decimal(0)))
    shares = {name: _shared(value, used) for name, value in row.items() if name not in PRICES}
    start = _time(row, START)
    for hour in range(HOURS):
        begin = start + hour * HOUR
        yield row | {name: parts[hour] for name, parts in shares.items()} | _interval(begin, begin + HOUR)


def _shared(value: Any, used: Sequence[Decimal]) -> Sequence[Any]:
    if isinstance(value, Decimal):
        return _parts(value, used)
    if isinstance(value, dict):
        parts = {key: _shared(inner, used) for key, inner in value.items()}
        return [{key: inner[hour] for key, inner in parts.items()} for hour in range(HOURS)]
    return [value] * HOURS


def _parts(value: Decimal, used: Sequence[Decimal]) -> list[Decimal]:
    """In proportion to what was used: a quantity at a price stays one, digit by digit."""
    with localcontext(prec=60):
        whole = sum(used, Decimal(0))
        price = value / whole if whole else value
        if price * whole == value and price == price.quantize(PLACES * PLACES):
            return [(price * part).normalize() + 0 for part in used]
        parts = [(value / HOURS).quantize(PLACES)] * (HOURS - 1)
        return [*parts, value - sum(parts, Decimal(0))]


def _month(days: Sequence[Row]) -> Row:
    """The sums of its days, over the whole of the billing period."""
    first = days[0]
    row = {name: _sum([day.get(name) for day in days], name) for name in {name: 0 for day in days for name in day}}
    start, end = _time(first, "bill_billing_period_start_date"), _time(first, "bill_billing_period_end_date")
    return row | _averages(row, days) | _interval(start, end)


def _averages(row: Row, days: Sequence[Row]) -> Row:
    """The rates of what has another price each day, as Spot has."""
    moving = [name for name in RATES if len({day.get(name) for day in days}) > 1]
    return dict.fromkeys(moving, rate_text(number(row, COST) / number(row, AMOUNT))) if moving else {}


def _sum(values: Sequence[Value], name: str) -> Value:
    some = [value for value in values if value is not None]
    if name not in PRICES and some and isinstance(some[0], Decimal):
        return sum((value for value in some if isinstance(value, Decimal)), Decimal(0))
    if name == "discount":
        return _sum_of_maps([value for value in some if isinstance(value, dict)])
    return some[0] if some else None


def _sum_of_maps(maps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    keys = {key: 0 for each in maps for key in each}
    return {key: sum((each.get(key, Decimal(0)) for each in maps), Decimal(0)) for key in keys}


def _interval(start: datetime, end: datetime) -> Row:
    return {START: start, END: end, "identity_time_interval": f"{instant(start)}/{instant(end)}"}


def _length(row: Row) -> timedelta:
    return _time(row, END) - _time(row, START)


def _time(row: Row, name: str) -> datetime:
    value = row[name]
    assert isinstance(value, datetime)
    return value
