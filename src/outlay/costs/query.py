"""The question as one Ibis expression, which DuckDB and Spark run alike.

Its rows are for `outlay.costs.answer`: the group's values in `g0`, `g1` …, the billing period, the number of the period
on the clock, the unit, the exact sum, and whether the row is of the remainder.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from typing import Any

import ibis
import ibis.expr.types as ir

from outlay.costs.filters import Filter
from outlay.costs.names import OBJECTS, Name
from outlay.costs.question import CLOCK, Granularity, Question
from outlay.focus.columns import DECIMAL, TEXT
from outlay.period import BillingPeriod

PERIOD, NUMBER, UNIT, AMOUNT, OTHERS = "period", "number", "unit", "amount", "others"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def query(charges: ir.Table, question: Question) -> ir.Table:
    """The sums that answer `question`, unordered."""
    conditions = _conditions(charges, question)
    values = _values(charges.filter(*conditions) if conditions else charges, question)
    groups = [f"g{index}" for index in range(len(question.by))]
    if question.top is not None:
        values = _with_remainder(values, groups, question.top)
    keys = [column for column in values.columns if column != AMOUNT]
    return values.group_by(keys).agg(**{AMOUNT: values[AMOUNT].sum().cast(DECIMAL)})


def _values(charges: ir.Table, question: Question) -> ir.Table:
    """One row a charge, with no more than what the answer needs."""
    measure = question.measure
    columns: dict[str, ir.Value] = {f"g{index}": column(charges, name) for index, name in enumerate(question.names)}
    columns[PERIOD] = charges.x_BillingPeriod
    if question.steps.kind == CLOCK:
        columns[NUMBER] = _number(charges.ChargePeriodStart, question.steps)
    columns[UNIT] = charges[measure.unit].fill_null("")
    columns[AMOUNT] = charges[measure.amount]
    return charges.select(**columns)


def column(charges: ir.Table, name: Name) -> ir.Value:
    """The column, or the value of its key: null where the charge has no such key."""
    values = charges[name.column.name]
    if name.key is None:
        return values
    return _in_object(values, name.key) if name.column.name in OBJECTS else values.get(name.key)


def _in_object(text: ir.StringValue, key: str) -> ir.StringValue:
    """The value of a key in a flat JSON object: by pattern, for engines agree on those and not on JSON functions.

    A quoted text cannot be taken for a key, because in JSON its quotes have backslashes.
    """
    start = f'[{{,]\\s*"{re.escape(key)}"\\s*:\\s*'
    quoted = text.re_extract(start + r'"((?:[^"\\]|\\.)*)"', 1).nullif("")
    bare = text.re_extract(start + r'([^",}\s]+)', 1).nullif("").nullif("null")
    return ibis.coalesce(quoted, bare)


def _number(start: ir.TimestampValue, steps: Granularity) -> ir.IntegerValue:
    """Counted from seconds: truncating times with a zone took several times as long."""
    seconds = start.delta(ibis.literal(_EPOCH), unit="second")
    return (seconds + steps.offset) // steps.seconds


def _with_remainder(values: ir.Table, groups: list[str], top: int) -> ir.Table:
    """All groups but the `top` of each unit become one, whose values are null and `others` true."""
    sums = values.group_by([*groups, UNIT]).agg(total=values[AMOUNT].sum())
    order = [ibis.desc("total"), *(ibis.asc(group) for group in groups)]
    ranked = sums.mutate(rank=ibis.row_number().over(ibis.window(group_by=UNIT, order_by=order)))
    kept = ranked.filter(ranked["rank"] < top).select(
        **{f"kept_{name}": ranked[name] for name in (*groups, UNIT)}, is_kept=ibis.literal(True)
    )
    same = [values[name].identical_to(kept[f"kept_{name}"]) for name in (*groups, UNIT)]
    joined = values.left_join(kept, same)
    named = {group: ibis.cases((joined.is_kept, joined[group])) for group in groups}
    rest = [joined[name] for name in values.columns if name not in groups]
    return joined.select(*rest, **named, **{OTHERS: joined.is_kept.isnull()})


def _conditions(charges: ir.Table, question: Question) -> list[ir.BooleanValue]:
    found = [
        question.measure.rows(charges),
        _not_before(charges, question.start),
        _not_after(charges, question.end),
        *matching(charges, question.filters),
    ]
    return [condition for condition in found if condition is not None]


def _not_before(charges: ir.Table, day: date | None) -> ir.BooleanValue | None:
    """A charge counts in its billing period, so within the first month alone the day of its start is looked at."""
    if day is None:
        return None
    period = BillingPeriod.of(day)
    if day == period.start.date():
        return charges.x_BillingPeriod >= period.id
    is_later = charges.x_BillingPeriod > period.id
    return is_later | ((charges.x_BillingPeriod == period.id) & (charges.ChargePeriodStart >= _midnight(day)))


def _not_after(charges: ir.Table, day: date | None) -> ir.BooleanValue | None:
    if day is None:
        return None
    period, following = BillingPeriod.of(day), day + timedelta(days=1)
    if following == period.end.date():
        return charges.x_BillingPeriod <= period.id
    is_earlier = charges.x_BillingPeriod < period.id
    return is_earlier | ((charges.x_BillingPeriod == period.id) & (charges.ChargePeriodStart < _midnight(following)))


def _midnight(day: date) -> ir.TimestampValue:
    return ibis.literal(datetime.combine(day, time(), UTC))


def matching(charges: ir.Table, filters: Iterable[Filter]) -> list[ir.BooleanValue]:
    """One condition for each filter, but one for all `=` on the same column: any of them."""
    alternatives: defaultdict[str, list[ir.BooleanValue]] = defaultdict(list)
    found: list[ir.BooleanValue] = []
    for each in filters:
        condition = _OPERATORS[each.operator](column(charges, Name.parse(each.column)), each)
        (alternatives[each.column] if each.operator == "=" else found).append(condition)
    return [*(reduce(lambda one, other: one | other, any_of) for any_of in alternatives.values()), *found]


def _is(value: ir.Value, asked: Filter) -> ir.BooleanValue:
    """Never null, so that its opposite is right."""
    if asked.is_blank:
        return (value.isnull() | (value == "")) if value.type().is_string() else value.isnull()
    return (value == _literal(asked)).fill_null(False)


def _contains(value: Any, asked: Filter) -> ir.BooleanValue:
    return value.lower().contains(_literal(asked).lower()).fill_null(False)


def _literal(asked: Filter) -> Any:
    kind = Name.parse(asked.column).type
    return ibis.literal(asked.read() or "", TEXT) if kind == TEXT else ibis.literal(asked.read(), kind)


_OPERATORS: dict[str, Callable[[Any, Filter], ir.BooleanValue]] = {
    "=": _is,
    "!=": lambda value, asked: ~_is(value, asked),
    "~": _contains,
}
