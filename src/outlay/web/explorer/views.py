"""The pages of the explorer. Every one but the saving of views is a GET whose address says it all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from outlay.app import Outlay
from outlay.costs.names import Name
from outlay.costs.question import Question
from outlay.costs.values import Value
from outlay.errors import UsageError
from outlay.web.core import outlay
from outlay.web.explorer import columns, drawing, form, saving
from outlay.web.explorer.asking import (
    DEFAULT,
    LINES,
    METRIC_LABELS,
    Asked,
    Pairs,
    of_unit,
    pairs_in,
    pairs_of,
    url_into,
    within_period,
)

_DRILL = ("group", "period", "unit")
_VALUES = ("column", "operator", "search", "listed", "new-column", "new-operator", "new-value")
_MOST_VALUES = 50
_FIRST_YEAR, _LAST_YEAR = 1900, 2999


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The question's form, its chart and its table. An address that is wrong is told in the form."""
    if not request.GET:
        return redirect(f"{reverse('explorer')}?{DEFAULT}")
    sent = pairs_of(request)
    is_sent = form.SENT in request.GET
    pairs = form.address_of(sent) if is_sent else sent
    try:
        asked = Asked.read(pairs)
    except UsageError as error:
        return _wrong(request, pairs, error)
    if is_sent and not _is_part(request):
        return redirect(asked.url)
    answer = render(request, _template(request), _context(request, outlay(), asked))
    if _is_part(request):
        answer["HX-Push-Url"] = asked.url
    return _varying(answer)


def _is_part(request: HttpRequest) -> bool:
    """Whether htmx asks for the part below the heading; when it restores a page it asks for all of it."""
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.history_restore_request


def _template(request: HttpRequest) -> str:
    return "explorer/body.html" if _is_part(request) else "explorer/page.html"


def _varying(answer: HttpResponse) -> HttpResponse:
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _wrong(request: HttpRequest, pairs: Pairs, error: UsageError) -> HttpResponse:
    context = {"form": form.shown(outlay().desk, pairs, None), "error": error, "views": saving.seen_by(request)}
    return _varying(render(request, _template(request), context, status=400))


def _context(request: HttpRequest, o: Outlay, asked: Asked) -> dict[str, Any]:
    question = asked.question
    answer, table = o.desk.ask(question), o.desk.table(question)
    before = o.desk.ask(replace(question.before(), by=(), top=None)) if question.compare else None
    made = drawing.parts(asked, answer, table, before)
    freshness = o.freshness(question)
    return {
        "asked": asked,
        "question": question,
        "metric": METRIC_LABELS[question.metric],
        "form": form.shown(o.desk, pairs_in(asked.query), asked),
        "chips": form.chips(asked),
        "parts": made,
        "freshness": freshness,
        "fresh": freshness.text(datetime.now(UTC)),
        "before": question.before() if question.compare else None,
        "more": more_lines(asked, made),
        "views": saving.seen_by(request),
        "has_charges": bool(made.shown),
        "has_any": bool(made.shown) or bool(o.counted()),
        "links": {name: asked.url_of(f"explorer-{name}") for name in ("charges", "numbers")},
        "exports": exports(asked),
        **_days(question, answer.start, answer.end),
    }


def _days(question: Question, start: Any, end: Any) -> dict[str, Any]:
    return {"start": question.start or start, "end": question.end or end}


def more_lines(asked: Asked, made: drawing.Parts) -> str | None:
    """The address with more lines in its tables; None when all are shown, or as many as a page takes."""
    most = max((part.count for part in made.shown), default=0)
    following = next((lines for lines in LINES if lines > asked.lines), None)
    if following is None or most <= asked.lines:
        return None
    return replace(asked, lines=following).url


def exports(asked: Asked) -> dict[str, str]:
    return {
        f"{what}_{kind}": f"{reverse('explorer-export', args=[what, kind])}?{asked.query}"
        for what in ("answer", "charges")
        for kind in ("csv", "parquet")
    }


@require_safe
def drill(request: HttpRequest) -> HttpResponse:
    """Where a bar of the chart leads."""
    pairs = pairs_of(request)
    if not pairs:
        return redirect("explorer")
    asked = Asked.read(pairs, _DRILL)
    return redirect(_into(request, asked))


def _into(request: HttpRequest, asked: Asked) -> str:
    period = _moment(request.GET.get("period"))
    unit = request.GET.get("unit")
    if "group" not in request.GET:
        question = of_unit(asked.question, unit)
        return asked.to(within_period(question, period) if period else question).url
    try:
        values = drawing.group_in(request.GET["group"], len(asked.question.by))
    except ValueError as error:
        raise UsageError(
            "The group to look into is not one of the question.", next="Go back and click it again.", field="group"
        ) from error
    return url_into(asked, values, unit, period)


def _moment(text: str | None) -> datetime | None:
    """A period's first moment, as the script sends it. Raises UsageError."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time.", next="Go back and click it again.", field="period") from error
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise UsageError(f"There are no bills of {found.year}.", next="Choose another period.", field="period")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


@require_safe
def numbers(request: HttpRequest) -> HttpResponse:
    """The chart as a table."""
    asked = Asked.read(pairs_of(request) or pairs_in(DEFAULT))
    context = {
        "asked": asked,
        "numbers": drawing.numbers(asked, outlay().desk.ask(asked.question)),
        "metric": METRIC_LABELS[asked.question.metric],
    }
    name = "explorer/numbers.html" if _is_part(request) else "explorer/numbers-page.html"
    return _varying(render(request, name, context))


@dataclass(frozen=True)
class Offer:
    """A value to choose, with what it costs in each unit."""

    value: str
    costs: tuple[tuple[str, Decimal], ...]
    is_chosen: bool


@require_safe
def values(request: HttpRequest) -> HttpResponse:
    """The values of a column to filter by, the dearest first, searched."""
    sent = pairs_of(request)
    column = request.GET.get("column") or request.GET.get("new-column") or "ServiceName"
    operator = request.GET.get("operator") or request.GET.get("new-operator") or "is"
    search = request.GET.get("search", "")[:200]
    name = str(Name.parse(column))
    # The filter that is being chosen is not one of the question yet.
    asked = Asked.read(form.address_of([pair for pair in sent if pair[0] not in _VALUES]))
    found = outlay().desk.values(name, search=search, within=asked.question, limit=_MOST_VALUES)
    context = {
        "asked": asked,
        "column": name,
        "label": columns.label(name),
        "operator": operator,
        "operators": form.OPERATORS,
        "search": search,
        "listed": f"{operator}.{name}",
        "offers": _offers(found, _chosen(request, asked.question, operator, name)),
        "most": _MOST_VALUES,
        "form": form.shown(outlay().desk, pairs_in(asked.query), asked),
    }
    template = "explorer/values.html" if _is_part(request) else "explorer/values-page.html"
    return _varying(render(request, template, context))


def _chosen(request: HttpRequest, question: Question, operator: str, name: str) -> list[str]:
    """The values that are ticked: in the list that is shown, or else in the question."""
    if request.GET.get("listed") == f"{operator}.{name}":
        return [value for value in request.GET.getlist("new-value") if value]
    sign = {"is": "=", "not": "!="}.get(operator)
    return [each.value for each in question.filters if each.column == name and each.operator == sign and each.value]


def _offers(found: Iterable[Value], chosen: list[str]) -> list[Offer]:
    """What is chosen stays in the list, whatever is searched."""
    costs: dict[str, list[tuple[str, Decimal]]] = {value: [] for value in chosen}
    for each in found:
        if each.value:
            costs.setdefault(each.value, []).append((each.unit, each.amount))
    return [Offer(value, tuple(its), value in chosen) for value, its in costs.items()]
