"""The first page: where the month stands, where it is going, what moved, and what needs somebody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from outlay import accounting, overlapping
from outlay.app import ConnectionView, Outlay
from outlay.costs.overview import MOVER, PROVIDER, Month, Overview
from outlay.costs.question import Question
from outlay.costs.table import Line
from outlay.errors import Busy, TooSlow
from outlay.state.runs import KeptRun
from outlay.web.core import outlay
from outlay.web.explorer.asking import Asked, of_unit, today, url_into
from outlay.web.explorer.drawing import drawable, names_of

# The least urgent last. A connection that is paused was paused by somebody.
_URGENCY = ("failing", "late", "pending-data")
PROVIDERS = 6


@dataclass(frozen=True)
class Linked:
    """A line of a table with its name, and the address of its parts."""

    name: str
    line: Line
    url: str


@dataclass(frozen=True)
class Currency:
    """All that the page tells of one currency."""

    month: Month
    chart: Mapping[str, Any]
    providers: tuple[Linked, ...]
    others: int
    movers: tuple[Linked, ...]
    url: str
    number: int

    @property
    def chart_id(self) -> str:
        return f"month-{self.number}-data"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """While other questions are answered for too long, the page tells all but the costs."""
    o, day = outlay(), today()
    connections = o.connections()
    beside = {"attention": attention(connections), "count": len(connections)}
    try:
        found, ignored = o.overview(day), accounting.ignored(o)
    except (Busy, TooSlow) as error:
        return render(request, "overview/busy.html", {**beside, "check": last_check(o), "error": error})
    if not found.months and not o.counted():
        return render(request, "overview/empty.html", {"connections": connections})
    freshness = o.freshness(found.question)
    context = {
        **beside,
        "overview": found,
        "currencies": currencies(found),
        "today": day,
        "through": found.through,
        "freshness": freshness,
        "fresh": freshness.text(datetime.now(UTC)),
        "check": last_check(o),
        "before": found.question.before() if found.through else None,
        "ignored": ignored,
        "names": frozenset(view.row.name for view in connections),
        "overlapping": overlapping.found(o),
    }
    return render(request, "overview/page.html", context)


def currencies(found: Overview) -> list[Currency]:
    """A month without charges of a currency this month or the last is not told."""
    is_one = len(found.months) == 1
    return [
        _currency(found, month, None if is_one else month.unit, number) for number, month in enumerate(found.months)
    ]


def _currency(found: Overview, month: Month, unit: str | None, number: int) -> Currency:
    providers = [line for line in found.providers.lines if line.unit == month.unit and not line.is_remainder]
    movers = [line for line in found.movers if line.unit == month.unit]
    by_service = replace(found.question, by=(MOVER,), granularity="day")
    return Currency(
        month,
        cumulated(found, month.unit),
        tuple(_linked(found.question, PROVIDER, line, unit) for line in providers[:PROVIDERS]),
        len(providers[PROVIDERS:]),
        tuple(_linked(found.question, MOVER, line, unit) for line in movers),
        Asked(of_unit(by_service, unit)).url,
        number,
    )


def _linked(question: Question, column: str, line: Line, unit: str | None) -> Linked:
    asked = Asked(replace(question, by=(column,), granularity="day"))
    return Linked(names_of(line.values, is_rest=False)[0], line, url_into(asked, line.values, unit))


def cumulated(found: Overview, unit: str) -> dict[str, Any]:
    """For the chart: what had been spent by each day, this month and last; nothing after the last day with charges."""
    days = found.days.costs[unit]
    first = found.today.replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    longest = max(_length(first), _length(before))
    return {
        "look": "lines",
        "unit": unit,
        "periods": [str(number) for number in range(1, longest + 1)],
        "series": [
            {
                "name": f"{first:%B %Y}",
                "rest": False,
                "group": None,
                "amounts": _running(days, first, found.through) if found.through else [],
            },
            {
                "name": f"{before:%B %Y}",
                "rest": True,
                "group": None,
                "amounts": _running(days, before, first - timedelta(days=1)),
            },
        ],
    }


def _length(first: date) -> int:
    following = (first + timedelta(days=31)).replace(day=1)
    return (following - first).days


def _running(days: Mapping[date, Decimal], first: date, last: date) -> list[float]:
    """The sum up to each day, for the eye."""
    each = (days.get(first + timedelta(days=count), Decimal(0)) for count in range((last - first).days + 1))
    return [drawable(total) for total in accumulate(each)]


def attention(connections: Iterable[ConnectionView]) -> list[ConnectionView]:
    """Those that are not well, the most urgent first."""
    found = [each for each in connections if each.status.status in _URGENCY]
    return sorted(found, key=lambda each: (_URGENCY.index(each.status.status), each.row.name))


@dataclass(frozen=True)
class Check:
    """The newest proof of a bill: rows and billed sums, in the bill and in the lake."""

    run: KeptRun
    holds: bool
    rows_in: int
    rows_out: int
    dropped: int
    split: int
    billed: tuple[tuple[str, Decimal, Decimal], ...]
    url: str


def last_check(o: Outlay) -> Check | None:
    newest = [run for outcome in ("committed", "rejected") for run in o.runs(outcome=outcome, limit=1)[0]]
    run = max((run for run in newest if run.result.reconciliation), key=lambda run: run.number, default=None)
    proof = run.result.reconciliation if run else None
    if run is None or proof is None:
        return None
    column = "BilledCost"
    billed = tuple((currency, *its[column]) for currency, its in sorted(proof.sums.items()) if column in its)
    return Check(
        run,
        proof.holds,
        proof.rows_in,
        proof.rows_out,
        sum(proof.dropped.values()),
        sum(proof.split.values()),
        billed,
        reverse("connection", args=[run.result.connection]),
    )
