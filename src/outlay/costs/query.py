"""The question as one Ibis expression, which DuckDB and Spark run alike.

Its rows are for `outlay.costs.answer`: the group's values in `g0`, `g1` …, the billing period, the number of the period
on the clock, the unit, the exact sum, and whether the row is of the remainder.

It is asked of the charges, or of roll-ups of them (`outlay.costs.rollup`): those have the charges' columns, a column
for a key by the key's own name, the number of the day in place of times, and the sum of the metric `real` by its name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from outlay.costs.filters import Filter
from outlay.costs.names import OBJECTS, Name
from outlay.costs.question import CLOCK, MAX_VALUES, Granularity, Question
from outlay.focus.columns import DECIMAL, TEXT
from outlay.period import BillingPeriod

PERIOD, NUMBER, UNIT, AMOUNT, OTHERS = "period", "number", "unit", "amount", "others"
BEFORE = "before"
# What stands in a roll-up for ChargePeriodStart, in days since 1970.
DAY = "day"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86400


def query(charges: ir.Table, question: Question) -> ir.Table:
    """The sums that answer `question`, unordered."""
    return summed([values(charges, question)], question)


def values(table: ir.Table, question: Question, *, is_cut: bool = True) -> ir.Table:
    """One row a charge or roll-up, with no more than what the answer needs.

    With `is_cut` false every row of `table` lies in the days of the question, and no day is looked at.
    """
    rows = counted(table, question, is_cut=is_cut)
    measure = question.measure
    columns: dict[str, ir.Value] = {f"g{index}": column(rows, name) for index, name in enumerate(question.names)}
    columns[PERIOD] = rows.x_BillingPeriod
    if question.steps.kind == CLOCK:
        columns[NUMBER] = _number(rows, question.steps)
    columns[UNIT] = rows[measure.unit].fill_null("")
    columns[AMOUNT] = rows[measure.column(rows)]
    return rows.select(**columns)


def counted(table: ir.Table, question: Question, *, is_cut: bool = True) -> ir.Table:
    """The rows that count in the answer, as they are. See `values`."""
    conditions = _conditions(table, question, is_cut=is_cut)
    return table.filter(*conditions) if conditions else table


def summed(parts: Sequence[ir.Table], question: Question, most: int = MAX_VALUES) -> ir.Table:
    """The sums of what `values` gave, be it of several tables.

    All groups but the `top` of each unit, and beyond `most` of them in any case, become one, whose values are null and
    `others` true.
    """
    found = together(parts)
    keys = [column for column in found.columns if column != AMOUNT]
    sums = found.group_by(keys).agg(**{AMOUNT: _sum(found[AMOUNT])})
    if not question.by:
        return sums
    groups = _groups(question)
    totals = sums.group_by([*groups, UNIT]).agg(total=_sum(sums[AMOUNT]))
    kept = _kept(totals, groups, [ibis.desc("total")], min(question.top or most, most))
    named = _with_remainder(sums, groups, kept)
    return named.group_by([column for column in named.columns if column != AMOUNT]).agg(**{AMOUNT: _sum(named[AMOUNT])})


def compared(now: Sequence[ir.Table], before: Sequence[ir.Table], question: Question) -> ir.Table:
    """The sums of each group over the whole of two ranges, `amount` and `before`, null where there is none.

    What `summed` says of the remainder holds here too; the order is by cost now, then by cost before.
    """
    groups = _groups(question)
    sides = [(each, AMOUNT) for each in now] + [(each, BEFORE) for each in before]
    parts = [
        each.select(
            *(each[name] for name in (*groups, UNIT)),
            **{name: each[AMOUNT] if name == side else ibis.null(DECIMAL) for name in (AMOUNT, BEFORE)},
        )
        for each, side in sides
    ]
    found = together(parts)
    keys = [*groups, UNIT]
    sums = found.group_by(keys).agg(**{name: _sum(found[name]) for name in (AMOUNT, BEFORE)})
    if not groups:
        return sums
    order = [sums[AMOUNT].fill_null(0).desc(), sums[BEFORE].fill_null(0).desc()]
    kept = _kept(sums, groups, order, question.top or MAX_VALUES)
    named = _with_remainder(sums, groups, kept)
    return named.group_by([*keys, OTHERS]).agg(**{name: _sum(named[name]) for name in (AMOUNT, BEFORE)})


def together(parts: Sequence[ir.Table]) -> ir.Table:
    """The rows of all of them; they have the same columns."""
    first, *more = parts
    return ibis.union(first, *more) if more else first


def _sum(amounts: Any) -> ir.DecimalValue:
    return amounts.sum().cast(DECIMAL)


def _groups(question: Question) -> list[str]:
    return [f"g{index}" for index in range(len(question.by))]


def column(charges: ir.Table, name: Name) -> ir.Value:
    """The column, or the value of its key: null where the charge has no such key."""
    if name.key is None or str(name) in charges.columns:
        return charges[str(name)]
    values = charges[name.column.name]
    return _in_object(values, name.key) if name.column.name in OBJECTS else values.get(name.key)


def _in_object(text: ir.StringValue, key: str) -> ir.StringValue:
    """The value of a key in a flat JSON object: by pattern, for engines agree on those and not on JSON functions.

    A quoted text cannot be taken for a key, because in JSON its quotes have backslashes.
    """
    start = f'[{{,]\\s*"{re.escape(key)}"\\s*:\\s*'
    quoted = text.re_extract(start + r'"((?:[^"\\]|\\.)*)"', 1).nullif("")
    bare = text.re_extract(start + r'([^",}\s]+)', 1).nullif("").nullif("null")
    return ibis.coalesce(quoted, bare)


def _number(rows: ir.Table, steps: Granularity) -> ir.IntegerValue:
    """Counted from seconds: truncating times with a zone took several times as long."""
    seconds = rows[DAY] * _DAY_SECONDS if DAY in rows.columns else seconds_of(rows.ChargePeriodStart)
    return (seconds + steps.offset) // steps.seconds


def seconds_of(moment: ir.TimestampValue) -> ir.IntegerValue:
    """Seconds since 1970."""
    return moment.delta(ibis.literal(_EPOCH), unit="second")


def _kept(totals: ir.Table, groups: list[str], order: Sequence[Any], count: int) -> ir.Table:
    """The first groups of each unit in an order; those that tie stand by name."""
    by = ibis.window(group_by=UNIT, order_by=[*order, *(ibis.asc(group) for group in groups)])
    ranked = totals.mutate(rank=ibis.row_number().over(by))
    return ranked.filter(ranked["rank"] < count).select(
        **{f"kept_{name}": ranked[name] for name in (*groups, UNIT)}, is_kept=ibis.literal(True)
    )


def _with_remainder(sums: ir.Table, groups: list[str], kept: ir.Table) -> ir.Table:
    """The groups that are not kept lose their names."""
    same = [sums[name].identical_to(kept[f"kept_{name}"]) for name in (*groups, UNIT)]
    joined = sums.left_join(kept, same)
    named = {group: ibis.cases((joined.is_kept, joined[group])) for group in groups}
    rest = [joined[name] for name in sums.columns if name not in groups]
    return joined.select(*rest, **named, **{OTHERS: joined.is_kept.isnull()})


def _conditions(rows: ir.Table, question: Question, *, is_cut: bool) -> list[ir.BooleanValue]:
    found = [
        question.measure.counts(rows),
        rows.ChargeCategory.isin(question.categories) if question.categories else None,
        _not_before(rows, question.start) if is_cut else None,
        _not_after(rows, question.end) if is_cut else None,
        *matching(rows, question.filters),
    ]
    return [condition for condition in found if condition is not None]


def _not_before(rows: ir.Table, day: date | None) -> ir.BooleanValue | None:
    """A charge counts in its billing period, so within the first month alone the day of its start is looked at."""
    if day is None:
        return None
    period = BillingPeriod.of(day)
    if day == period.start.date():
        return rows.x_BillingPeriod >= period.id
    is_later = rows.x_BillingPeriod > period.id
    return is_later | ((rows.x_BillingPeriod == period.id) & _starts_from(rows, day))


def _not_after(rows: ir.Table, day: date | None) -> ir.BooleanValue | None:
    if day is None:
        return None
    period, following = BillingPeriod.of(day), day + timedelta(days=1)
    if following == period.end.date():
        return rows.x_BillingPeriod <= period.id
    is_earlier = rows.x_BillingPeriod < period.id
    return is_earlier | ((rows.x_BillingPeriod == period.id) & ~_starts_from(rows, following))


def _starts_from(rows: ir.Table, day: date) -> ir.BooleanValue:
    if DAY in rows.columns:
        return rows[DAY] >= (day - _EPOCH.date()).days
    return rows.ChargePeriodStart >= ibis.literal(datetime.combine(day, time(), UTC))


def matching(rows: ir.Table, filters: Iterable[Filter]) -> list[ir.BooleanValue]:
    """One condition for each filter, but one for all `=` on the same column: any of them."""
    same: defaultdict[str, list[Filter]] = defaultdict(list)
    found: list[ir.BooleanValue] = []
    for each in filters:
        if each.operator == "=":
            same[each.column].append(each)
        else:
            found.append(_OTHER_OPERATORS[each.operator](column(rows, Name.parse(each.column)), each))
    return [*(_any_of(column(rows, Name.parse(name)), alternatives) for name, alternatives in same.items()), *found]


def _any_of(value: ir.Value, alternatives: Sequence[Filter]) -> ir.BooleanValue:
    """A list for the engine, however many there are: hundreds of `or` in a row would be too deep for it."""
    named = [each for each in alternatives if not each.is_blank]
    blank = [_is(value, each) for each in alternatives if each.is_blank][:1]
    is_named = [value.isin([_literal(each) for each in named]).fill_null(False)] if named else []
    first, *more = [*is_named, *blank]
    return first | more[0] if more else first


def _is(value: ir.Value, asked: Filter) -> ir.BooleanValue:
    """Never null, so that its opposite is right."""
    if asked.is_blank:
        return (value.isnull() | (value == "")) if value.type().is_string() else value.isnull()
    return (value == _literal(asked)).fill_null(False)


def _contains(value: Any, asked: Filter) -> ir.BooleanValue:
    lower = value.lower()
    found = [lower.contains(ibis.literal(text, TEXT).lower()).fill_null(False) for text in (asked.value, *asked.more)]
    return ibis.or_(*found)


def _literal(asked: Filter) -> Any:
    kind = Name.parse(asked.column).type
    return ibis.literal(asked.read() or "", TEXT) if kind == TEXT else ibis.literal(asked.read(), kind)


_OTHER_OPERATORS: dict[str, Callable[[Any, Filter], ir.BooleanValue]] = {
    "!=": lambda value, asked: ~_is(value, asked),
    "~": _contains,
}
