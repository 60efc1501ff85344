"""The page of accounts, and for htmx its rows alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from outlay import accounting
from outlay.costs.account_report import NOT_COUNTED, Report
from outlay.web.accounts_in_bills.table import COLUMNS, FILTERS, MOST, Column, Wish, wanted
from outlay.web.api.accounts import as_file
from outlay.web.core import outlay
from outlay.web.roles import who


@require_safe
def accounts(request: HttpRequest) -> HttpResponse:
    o = outlay()
    found, wish = accounting.accounts(o), Wish.read(request.GET.dict())
    rows = wanted(found.rows, wish)
    context = {
        "rows": rows[:MOST],
        "fitting": len(rows),
        "all": len(found.rows),
        "beyond": found.beyond,
        "month": found.month,
        "wish": wish,
        "columns": [_header(column, wish) for column in COLUMNS],
        "filters": [{"value": value, "label": label} for value, label in FILTERS.items()],
        "unseen": accounting.unseen(o),
    }
    is_part = request.htmx and not request.htmx.boosted  # type: ignore[attr-defined]
    return render(request, f"accounts_in_bills/{'rows' if is_part else 'page'}.html", context)


def _header(column: Column, wish: Wish) -> dict[str, Any]:
    is_sorted = column.name == wish.sort
    goes_down = not wish.is_down if is_sorted else column.is_number
    query = [("q", wish.search), ("connected", wish.connected), ("sort", column.name), ("desc", "1" * goes_down)]
    return {
        "name": column.name,
        "label": column.label,
        "is_number": column.is_number,
        "is_sorted": is_sorted,
        "order": ("descending" if wish.is_down else "ascending") if is_sorted else "none",
        "query": [(name, value) for name, value in query if value],
    }


@require_POST
def count(request: HttpRequest, name: str) -> HttpResponse:
    """Do all accounts of a payer's bill count, or the connected ones alone?"""
    is_on = request.POST.get("only") == "1"
    accounting.count_only_connected(outlay(), name, is_on=is_on, by=who(request))
    messages.success(request, "Only connected accounts count now." if is_on else "Every account counts now.")
    return redirect("connection", name)


@require_safe
def report(request: HttpRequest, account: str) -> HttpResponse:
    """What one account cost in a month: a page to print."""
    found = _report(request, account)
    query = urlencode({"month": found.month, "payer": found.account.payer})
    context = {"report": found, "query": query, "not_counted": NOT_COUNTED}
    return render(request, "accounts_in_bills/report.html", context)


@require_safe
def report_file(request: HttpRequest, account: str, format: str) -> HttpResponse:
    if format not in ("csv", "html"):
        raise Http404
    return as_file(_report(request, account), format)


def _report(request: HttpRequest, account: str) -> Report:
    return accounting.report(outlay(), account, month=request.GET.get("month", ""), payer=request.GET.get("payer", ""))
