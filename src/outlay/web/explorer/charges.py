"""The last step of a drill: single charges, a page at a time, and one with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from outlay.costs.charges import LAST, USUAL, Page
from outlay.costs.filters import Filter
from outlay.costs.question import Question
from outlay.errors import UnknownName, UsageError
from outlay.focus.columns import COLUMNS as LAKE_COLUMNS
from outlay.focus.columns import COSTS, MAP
from outlay.web.core import outlay
from outlay.web.explorer import form
from outlay.web.explorer.asking import METRIC_LABELS, Asked, pairs_of

ON_A_PAGE = 50
_SHOWN = tuple(name for name in USUAL if name not in ("ConsumedQuantity", "ConsumedUnit"))
_PLACE = ("x_Connection", "x_BillingPeriod", "x_Delivery", "x_SourceFile", "x_SourceRow")
_QUANTITY = ("ConsumedQuantity", "ConsumedUnit")
# A raw row that is split makes a few charges.
_MOST_OF_A_ROW = 50

# The charge's page, from what matters most.
_SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Costs", (*COSTS, "BillingCurrency")),
    (
        "What",
        (
            *("ChargeDescription", "ChargeCategory", "ChargeClass", "ChargeFrequency", "ServiceName"),
            *("ServiceCategory", "ServiceSubcategory", "ServiceProviderName", "ProviderName", "PublisherName"),
            *("InvoiceIssuerName", "ResourceId", "ResourceName", "ResourceType", "RegionId", "RegionName"),
            "AvailabilityZone",
        ),
    ),
    (
        "When and whose",
        (
            *("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd", "BillingAccountId"),
            *("BillingAccountName", "SubAccountId", "SubAccountName", "InvoiceId"),
        ),
    ),
    ("Tags", tuple(column.name for column in LAKE_COLUMNS if column.type == MAP)),
    ("Where it comes from", _PLACE),
)


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The charges of a question, of each currency the dearest first."""
    asked = Asked.read(pairs_of(request), ("offset",))
    offset = _offset(request.GET.get("offset", "0"))
    measure = asked.question.measure
    shown = tuple(dict.fromkeys((*_SHOWN, measure.amount, measure.unit)))
    needed = tuple(dict.fromkeys((*shown, *_PLACE)))
    page = outlay().desk.charges(asked.question, columns=needed, offset=offset, limit=ON_A_PAGE)
    context = {
        "asked": asked,
        "question": asked.question,
        "metric": METRIC_LABELS[asked.question.metric],
        "columns": shown[:-2],
        "amount": measure.amount,
        "rows": [(url_of(row), row, [row[name] for name in shown[:-2]]) for row in page.rows],
        "unit": measure.unit,
        "amounts": [(row[measure.amount], row[measure.unit]) for row in page.rows],
        "chips": _chips(asked),
        "first": offset + 1,
        "last": offset + len(page.rows),
        "export": f"{reverse('explorer-export', args=['charges', 'csv'])}?{asked.query}",
        "export_parquet": f"{reverse('explorer-export', args=['charges', 'parquet'])}?{asked.query}",
        **_beside(asked, page),
    }
    return render(request, "explorer/charges.html", context)


def _offset(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LAST))):
        raise UsageError(f"{text!r} is no place in the list.", next="Start from the first.", field="offset")
    return int(text)


def _chips(asked: Asked) -> list[form.Chip]:
    return [
        form.Chip(form.told(each), asked.to(form.without(asked.question, each)).url_of("explorer-charges"))
        for each in asked.question.filters
    ]


def _beside(asked: Asked, page: Page) -> dict[str, str | None]:
    """The pages before and after."""
    here = f"{asked.url_of('explorer-charges')}&offset="
    following = page.offset + page.limit
    has_next = page.has_more and following + page.limit <= LAST
    return {
        "previous": f"{here}{max(0, page.offset - page.limit)}" if page.offset else None,
        "following": f"{here}{following}" if has_next else None,
        "is_cut": "yes" if page.has_more and not has_next else None,
    }


def url_of(row: Mapping[str, Any]) -> str:
    """The page of one charge: by the raw row that it was made of."""
    path = reverse("explorer-charge", args=[row["x_Connection"], row["x_BillingPeriod"], row["x_SourceRow"]])
    return f"{path}?{urlencode({'delivery': row['x_Delivery'], 'file': row['x_SourceFile']})}"


@require_safe
def charge(request: HttpRequest, connection: str, period: str, row: int) -> HttpResponse:
    """All columns of the charges that one raw row made, which is one but for rows that are split."""
    told = {
        "x_Connection": connection,
        "x_BillingPeriod": period,
        "x_Delivery": request.GET.get("delivery", ""),
        "x_SourceFile": request.GET.get("file", ""),
        "x_SourceRow": str(row),
    }
    question = Question(metric="billed", filters=tuple(Filter(name, "=", value) for name, value in told.items()))
    page = outlay().desk.charges(question, columns=("*",), limit=_MOST_OF_A_ROW)
    if not page.rows:
        raise UnknownName(
            f"{connection} has no charge of row {row} in {period} any more.",
            next="Its bill was delivered anew: look for the charge in the explorer.",
        )
    context = {"charges": [sections(each) for each in page.rows], "charge": page.rows[0], "row": row, **told}
    return render(request, "explorer/charge.html", context)


def sections(charge: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, Any]]]]:
    """What the charge has, in parts; columns without a value are left out."""
    named = {name for _, names in _SECTIONS for name in names}
    others = tuple(name for name in charge if name not in named)
    found = [(title, list(_held(charge, names))) for title, names in (*_SECTIONS[:4], ("More", others), *_SECTIONS[4:])]
    return [(title, held) for title, held in found if held]


def _held(charge: Mapping[str, Any], names: Iterable[str]) -> Iterable[tuple[str, Any]]:
    for name in names:
        value = charge.get(name)
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", each) for key, each in sorted(value.items()))
        elif value is not None and value != "":
            yield name, value
