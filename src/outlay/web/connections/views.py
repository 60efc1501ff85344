"""Pages to look at: the table of connections, a connection, a billing period, and what changed between deliveries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import trigger_client_event

from outlay import accounting, connecting
from outlay.app import ConnectionView, PeriodView
from outlay.errors import Busy, TooSlow, UnknownName
from outlay.period import BillingPeriod
from outlay.state import moving, workers
from outlay.state.models import Connection
from outlay.state.news import News
from outlay.web.connections.forms import S3, STORAGES
from outlay.web.connections.table import COLUMNS, KINDS, STATUSES, Row, Wish, status_label, wanted
from outlay.web.core import installation, outlay
from outlay.web.overlapping.views import left_out, of_connection

_MOST_UNDER_WAY = 5
# The page asks for itself anew when it hears this.
CHANGED = "outlay:changed"
_ACCESS_ELSEWHERE = {
    "file": "none needed",
    "az": "this server's own Azure credentials",
    "gs": "this server's own Google Cloud credentials",
}


def connections(request: HttpRequest) -> HttpResponse:
    """The whole page, or for htmx the rows alone."""
    o = outlay()
    told = connecting.news(o)
    found, has_costs = connecting.summaries(o)
    month = BillingPeriod.of(datetime.now(UTC)).month
    views = [view for view in o.connections() if view.row.name in found]
    rows = [Row(view, found[view.row.name], month) for view in views]
    wish = Wish.read(request.GET.dict())
    context = {
        "rows": wanted(rows, wish),
        "all": len(rows),
        "wish": wish,
        "columns": [_header(column, wish) for column in COLUMNS],
        "statuses": [
            {"value": status, "label": status_label(status), "count": sum(row.status == status for row in rows)}
            for status in STATUSES
        ],
        "month": month,
        "has_costs": has_costs,
        "left_out": left_out(),
        **_news(told),
    }
    is_part = request.htmx and not request.htmx.boosted  # type: ignore[attr-defined]
    return render(request, "connections/rows.html" if is_part else "connections/table.html", context)


def news(request: HttpRequest) -> HttpResponse:
    """What is checked at the moment. When there is more to see the page is told to show it."""
    told = connecting.news(outlay())
    is_new = told.mark != request.GET.get("seen", "")
    if not is_new and not told.under_way and "idle" in request.GET:
        return HttpResponse(status=204)
    response = render(request, "connections/news.html", _news(told))
    return trigger_client_event(response, CHANGED) if is_new else response


def _news(told: News) -> dict[str, Any]:
    under_way = list(told.under_way.items())
    return {"mark": told.mark, "under_way": under_way[:_MOST_UNDER_WAY], "further": len(under_way[_MOST_UNDER_WAY:])}


def _header(column: Any, wish: Wish) -> dict[str, Any]:
    is_sorted = column.name == wish.sort
    goes_down = not wish.is_down if is_sorted else column.is_number or column.name in ("delivery", "period")
    query = [("q", wish.search), ("status", wish.status), ("sort", column.name), ("desc", "1" if goes_down else "")]
    return {
        "name": column.name,
        "label": column.label,
        "can_sort": column.key is not None,
        "is_number": column.is_number,
        "is_sorted": is_sorted,
        "order": ("descending" if wish.is_down else "ascending") if is_sorted else "none",
        "query": [(name, value) for name, value in query if value],
    }


def connection(request: HttpRequest, name: str) -> HttpResponse:
    o = outlay()
    told = connecting.news(o, name)
    view = o.connection(name)
    context = {
        **header(view),
        "periods": [_period_line(each) for each in o.periods(name)],
        "moves": connecting.moves(o, name),
        "counts_nothing": moving.counts_nothing(view.row),
        "timeline": o.timeline(name),
        "acts": connecting.acts(o, name),
        **_progress(view, told),
        **ignored_of(view.row),
        **of_connection(name),
        **_sending(request, view.row),
    }
    return render(request, "connections/connection.html", context)


def _sending(request: HttpRequest, row: Connection) -> dict[str, str]:
    """Of a connection that is sent to: the address."""
    if row.kind != "stream":
        return {}
    site = installation().url or f"{request.scheme}://{request.get_host()}"
    return {"send_to": f"{site}{reverse('stream-drops', args=(row.name,))}"}


def ignored_of(row: Connection) -> dict[str, Any]:
    """What accounts cost that it leaves out; nothing while that cannot be asked."""
    if not row.only_connected:
        return {}
    try:
        found = accounting.ignored(outlay())
    except (Busy, TooSlow):
        return {}
    return {"ignored": found, "ignored_month": found.month[row.name], "ignored_all": found.all[row.name]}


def progress(request: HttpRequest, name: str) -> HttpResponse:
    """How far the check is. When there is more to see, such as a month that is in, the page is told to show it."""
    told = connecting.news(outlay(), name)
    is_new = told.mark != request.GET.get("seen", "")
    if not is_new and not told.under_way and "idle" in request.GET:
        return HttpResponse(status=204)
    view = outlay().connection(name)
    response = render(request, "connections/progress.html", {**header(view), **_progress(view, told)})
    return trigger_client_event(response, CHANGED) if is_new else response


def _progress(view: ConnectionView, told: News) -> dict[str, Any]:
    made = outlay().progress(view.row.name)
    is_wanted = view.row.wanted_at is not None and view.row.paused_at is None
    is_working = made is not None and made.is_working
    return {
        "mark": told.mark,
        "progress": made,
        "is_wanted": is_wanted,
        "is_working": is_working,
        "is_busy": is_wanted or is_working,
        "has_no_worker": is_wanted and not is_working and not workers.running(datetime.now(UTC)),
    }


def header(view: ConnectionView) -> dict[str, Any]:
    """What every page of a connection begins with."""
    row = view.row
    return {
        "view": view,
        "row": row,
        "status": view.status,
        "status_label": status_label(view.status.status),
        "kind": KINDS[row.kind],
        "provider": row.cloud_provider or ("AWS" if row.kind in ("aws", "linked") else ""),
        "access": access_of(view),
        # Linked accounts have no place, and what is sent here lies in Outlay's own.
        "can_move": bool(row.location) and row.kind != "stream",
        "place": "folder" if scheme_of(row) == "file" else STORAGES[scheme_of(row)].bucket,
    }


def scheme_of(row: Connection) -> str:
    return row.location.partition("://")[0] or S3


def access_of(view: ConnectionView) -> str:
    """In words; of an access key its last four characters."""
    row = view.row
    if row.kind == "stream":
        return "API tokens that may send CBF"
    if scheme_of(row) != S3:
        return _ACCESS_ELSEWHERE[scheme_of(row)]
    words = (
        (row.access_of_id, f"that of {row.access_of_id}"),
        (row.role_arn, f"role {row.role_arn}" + (f", external id {row.external_id}" if row.external_id else "")),
        (view.access_key, f"access key {view.access_key}"),
        (row.profile, f"profile {row.profile}"),
    )
    said = [text for is_so, text in words if is_so]
    return " by ".join(said) or "this server's own AWS credentials"


def _period_line(view: PeriodView) -> dict[str, Any]:
    proof = view.reconciliation
    sums = proof.sums if proof else {}
    return {
        "view": view,
        "month": view.period.month,
        "proof": _proof(view),
        "billed": [(currency, *pairs["BilledCost"]) for currency, pairs in sums.items() if "BilledCost" in pairs],
    }


def _proof(view: PeriodView) -> str:
    """`equal`, `not-equal` or `unproved`; nothing without anything live."""
    if view.delivery is None:
        return ""
    if view.reconciliation is None:
        return "unproved"
    return "equal" if view.reconciliation.holds else "not-equal"


def period(request: HttpRequest, name: str, month: str) -> HttpResponse:
    return period_page(request, name, month)


def period_page(
    request: HttpRequest, name: str, month: str, *, invoice: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    """`invoice` is what was typed of a paper invoice and could not be kept."""
    o = outlay()
    view = o.connection(name)
    shown = connecting.period(o, name, month)
    try:
        invoices: Any = connecting.invoices(o, name, shown)
    except (Busy, TooSlow) as error:
        invoices, invoice = None, {**(invoice or {}), "busy": str(error)}
    deliveries = connecting.deliveries(o, name, shown)
    kept = [each.delivery for each in deliveries if each.is_kept]
    context = {
        **header(view),
        "period": shown,
        "proof": _proof(shown),
        "check": _check(shown),
        "deliveries": [{"each": each, "before": _older(kept, each.delivery)} for each in deliveries],
        "kept": kept,
        "rejected": _standing(deliveries),
        "invoices": invoices,
        "typed": invoice or {},
        "acts": connecting.acts(o, name, month=shown.period.month),
    }
    return render(request, "connections/period.html", context, status=status)


def _older(kept: list[str], delivery: str) -> str:
    """The delivery that was kept before this one; blank when there is none."""
    after = kept[kept.index(delivery) + 1 :] if delivery in kept else []
    return after[0] if after else ""


def _standing(deliveries: Any) -> Any:
    """The newest delivery, when it was rejected and an older one is live: it is what needs somebody."""
    newest = deliveries[0] if deliveries else None
    return newest if newest is not None and newest.last.outcome in ("rejected", "failed") else None


def _check(view: PeriodView) -> dict[str, Any] | None:
    """The bill check as lines: rows, and each control total per currency and account."""
    proof = view.reconciliation
    if proof is None:
        return None
    return {
        "proof": proof,
        "dropped": sum(proof.dropped.values()),
        "split": sum(proof.split.values()),
        "totals": [
            _total(proof, currency, None, column, pair)
            for currency, pairs in proof.sums.items()
            for column, pair in pairs.items()
        ],
        "accounts": [
            {
                "currency": currency or "",
                "account": account or "(none)",
                "is_equal": all(abs(told - found) <= proof.tolerance for told, found in pairs.values()),
                "totals": [_total(proof, currency, account, column, pair) for column, pair in pairs.items()],
            }
            for currency, account, pairs in proof.accounts
        ],
    }


def _total(proof: Any, currency: str | None, account: str | None, column: str, pair: Any) -> dict[str, Any]:
    told, found = pair
    # Sums over accounts may each be off by the rounding.
    room = proof.tolerance * (1 if account is not None else max(1, len(proof.accounts)))
    return {
        "currency": currency or "",
        "column": column.removeprefix("x_"),
        "told": told,
        "found": found,
        "difference": found - told,
        "is_equal": abs(told - found) <= room,
    }


def compare(request: HttpRequest, name: str, month: str) -> HttpResponse:
    """What changed between two deliveries: a part for htmx, and a page of its own without."""
    o = outlay()
    view = o.connection(name)
    shown = connecting.period(o, name, month)
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    if not before or not after:
        raise UnknownName("Two deliveries are compared.", next="Choose both.")
    context = {
        **header(view),
        "period": shown,
        "comparison": connecting.compare(o, name, shown, before, after),
    }
    is_part = request.htmx and not request.htmx.boosted  # type: ignore[attr-defined]
    return render(request, "connections/changes.html" if is_part else "connections/compare.html", context)
