"""An answer as the page draws and tells it: a part for each currency, with a chart, a table and the ways down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse

from outlay.costs.answer import Answer, sums, text_of
from outlay.costs.chart import Chart, Series, chart
from outlay.costs.table import Line, Table
from outlay.errors import UsageError
from outlay.web.explorer import columns, sorting
from outlay.web.explorer.asking import METRIC_LABELS, Asked, of_unit, url_into, within_period

# Each with a chart; any more are listed. Quantities have dozens of units.
MOST_PARTS = 6
REST = "All others"


@dataclass(frozen=True)
class Told:
    """A line of the table. `series` is its number in the chart, None when it is in the remainder."""

    line: Line
    names: tuple[str, ...]
    url: str | None
    series: int | None


@dataclass(frozen=True)
class Head:
    """A column of the table. `order` is as `aria-sort` says it; `url` sorts by it, or the other way round."""

    name: str
    label: str
    order: str
    url: str
    is_number: bool


@dataclass(frozen=True)
class Part:
    """One currency or unit. `chart` is what the script draws; `rest` is what the chart has as one remainder."""

    unit: str
    total: Line
    lines: tuple[Told, ...]
    count: int
    kept: int
    rest: Decimal | None
    rest_count: int
    chart: Mapping[str, Any]
    described: str
    number: int
    heads: tuple[Head, ...]


@dataclass(frozen=True)
class Parts:
    shown: tuple[Part, ...]
    others: tuple[tuple[Line, str], ...] = ()
    columns: tuple[str, ...] = field(default=())


def parts(asked: Asked, answer: Answer, table: Table, before: Answer | None) -> Parts:
    """The units of the greatest sums first. `before` has no groups, and is that of the period before."""
    drawn = chart(answer)
    past = chart(before) if before else None
    totals = sorted(table.totals, key=lambda line: -abs(line.amount)) if _are_quantities(asked) else table.totals
    units = [line.unit for line in totals]
    made = [
        _part(asked, drawn, past, table, line, number, is_one=len(units) == 1)
        for number, line in enumerate(totals[:MOST_PARTS])
    ]
    others = [(line, asked.to(of_unit(asked.question, line.unit)).url) for line in totals[MOST_PARTS:]]
    return Parts(tuple(made), tuple(others), tuple(columns.label(name) for name in asked.question.by))


def _are_quantities(asked: Asked) -> bool:
    return asked.question.metric == "quantity"


def _part(
    asked: Asked, drawn: Chart, past: Chart | None, table: Table, total: Line, number: int, *, is_one: bool
) -> Part:
    unit = None if is_one else total.unit
    series = [each for each in drawn.series if each.unit == total.unit]
    places = {each.values: place for place, each in enumerate(series) if not each.is_remainder}
    lines = asked.order.sorted(line for line in table.lines if line.unit == total.unit)
    told = [_told(asked, line, unit, places) for line in lines[: asked.lines]]
    rest = next((each for each in series if each.is_remainder), None)
    return Part(
        total.unit,
        total,
        tuple(told),
        len(lines),
        len(places),
        sums(("", amount) for amount in rest.amounts).get("", Decimal(0)) if rest else None,
        len(lines) - len(places),
        _data(asked, drawn, series, past, total.unit, unit),
        describe(asked, total.unit),
        number,
        heads(asked, total.unit),
    )


def heads(asked: Asked, unit: str) -> tuple[Head, ...]:
    groups = [columns.label(name) for name in asked.question.by]
    labels = {"amount": unit or "Amount", "share": "Share", "before": "Before", "change": "Change"}
    labels |= {"percent": "Change, %", **dict(zip(("name", "second"), groups, strict=False))}
    return tuple(
        Head(
            name,
            labels[name],
            asked.order.aria(name),
            replace(asked, order=asked.order.pressed(name)).url,
            name not in ("name", "second"),
        )
        for name in sorting.shown(asked.question)
    )


def _told(asked: Asked, line: Line, unit: str | None, places: Mapping[tuple[Any, ...], int]) -> Told:
    if line.is_remainder:
        return Told(line, names_of(line.values, is_rest=True), None, None)
    return Told(line, names_of(line.values, is_rest=False), url_into(asked, line.values, unit), places.get(line.values))


def names_of(values: tuple[Any, ...], *, is_rest: bool) -> tuple[str, ...]:
    if is_rest:
        return (REST,) * len(values)
    return tuple(text_of(value) or "(none)" for value in values)


def describe(asked: Asked, unit: str) -> str:
    """The chart in words, for who does not see it."""
    kinds = {"bars": "Stacked bars", "lines": "Lines", "area": "Stacked areas"}
    groups = " and ".join(columns.label(name).lower() for name in asked.question.by)
    by = f" by {groups}" if groups else ""
    metric = METRIC_LABELS[asked.question.metric].lower()
    return f"{kinds[asked.look]}: {metric} in {unit or 'no unit'}{by}, each {asked.question.granularity}."


def _data(
    asked: Asked, drawn: Chart, series: list[Series], past: Chart | None, unit: str, only: str | None
) -> dict[str, Any]:
    granularity = asked.question.granularity
    moments = [text_of(period) for period in drawn.periods]
    return {
        "look": asked.look,
        "unit": unit,
        "periods": [period_label(period, granularity) for period in drawn.periods],
        "moments": moments,
        "series": [
            {
                "name": " · ".join(names_of(each.values, is_rest=each.is_remainder)) or "Total",
                "rest": each.is_remainder,
                "group": None if each.is_remainder else [text_of(value) for value in each.values],
                "amounts": [drawable(amount) for amount in each.amounts],
            }
            for each in series
        ],
        # A total beside single lines would tell nothing.
        "before": _before(drawn, past, unit) if past and (asked.look != "lines" or len(series) == 1) else None,
        "title": title_of(asked, unit),
        "file": f"outlay-{asked.question.metric}{f'-{unit}' if unit else ''}",
        "drill": f"{reverse('explorer-drill')}?{asked.query}",
        "only": only,
    }


def title_of(asked: Asked, unit: str) -> str:
    """Of the picture, which stands alone."""
    question = asked.question
    metric = METRIC_LABELS[question.metric] + (f" in {unit}" if unit else "")
    days = f", {question.start:%Y-%m-%d} to {question.end:%Y-%m-%d}" if question.start and question.end else ""
    return metric + days


def _before(drawn: Chart, past: Chart, unit: str) -> list[float | None]:
    """The period before, beside the periods of now: the first with the first."""
    amounts = next((each.amounts for each in past.series if each.unit == unit), ())
    return [drawable(amounts[place]) if place < len(amounts) else None for place in range(len(drawn.periods))]


def drawable(amount: Decimal) -> float:
    """For the eye alone: six places, which is more than a chart shows."""
    return round(float(amount), 6)


def period_label(period: datetime, granularity: str) -> str:
    return _LABELS[granularity](period)


_LABELS: Mapping[str, Callable[[datetime], str]] = {
    "none": lambda period: "All days",
    "hour": lambda period: f"{period:%d %b %H:%M}",
    "day": lambda period: f"{period:%d %b %Y}",
    "week": lambda period: f"{period:%d %b} – {period + timedelta(days=6):%d %b %Y}",
    "month": lambda period: f"{period:%b %Y}",
    "quarter": lambda period: f"Q{(period.month + 2) // 3} {period.year}",
}


@dataclass(frozen=True)
class Numbers:
    """The chart as a table: a row a period with the address that leads into it, and a column a series."""

    unit: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, str | None, tuple[Decimal, ...], Decimal], ...]


def numbers(asked: Asked, answer: Answer) -> list[Numbers]:
    drawn = chart(answer)
    units = list(dict.fromkeys(each.unit for each in drawn.series))
    links = [_link(asked, period) for period in drawn.periods]
    return [_numbers(asked, drawn, links, unit) for unit in units[:MOST_PARTS]]


def _link(asked: Asked, period: datetime) -> str | None:
    """None for a period outside the question's days, where charges of an asked billing period may lie."""
    try:
        return asked.to(within_period(asked.question, period)).url
    except UsageError:
        return None


def _numbers(asked: Asked, drawn: Chart, links: list[str | None], unit: str) -> Numbers:
    series = [each for each in drawn.series if each.unit == unit]
    rows = []
    for place, (period, link) in enumerate(zip(drawn.periods, links, strict=True)):
        amounts = tuple(each.amounts[place] for each in series)
        total = sums(("", amount) for amount in amounts).get("", Decimal(0))
        rows.append((period_label(period, asked.question.granularity), link, amounts, total))
    names = tuple(" · ".join(names_of(each.values, is_rest=each.is_remainder)) or "Total" for each in series)
    return Numbers(unit, names, tuple(rows))


def group_in(text: str | None, columns: int) -> list[str | None]:
    """The values of a bar, as the script sends them. Raises ValueError."""
    values = json.loads(text or "[]")
    if not isinstance(values, list) or len(values) != columns:
        raise ValueError(text)
    if not all(value is None or isinstance(value, str) for value in values):
        raise ValueError(text)
    return values
