"""The page of resources, for htmx its rows alone, and the page of one resource."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from outlay import stocktaking
from outlay.aws.inventory.kinds import KINDS
from outlay.inventory.asking import COSTS, Seen, Wanted
from outlay.web.core import outlay

PAGE = 50
_TITLES = {kind.name: kind.title[:1].upper() + kind.title[1:] for kind in KINDS}
# The address's name of each filter, and what it is called.
_TEXTS = {"account": "Account", "region": "Region", "state": "State", "tag": "Tag or tag=value"}


@require_safe
def resources(request: HttpRequest) -> HttpResponse:
    o, asked = outlay(), _asked(request)
    wanted = Wanted(
        kind=asked["kind"] if asked["kind"] in _TITLES else "",
        account=asked["account"],
        region=asked["region"],
        state=asked["state"],
        tag=asked["tag"],
        text=asked["q"],
        with_gone=asked["gone"] == "1",
        limit=PAGE,
        offset=(_number(asked["page"]) - 1) * PAGE,
    )
    total, found = stocktaking.resources(o, wanted)
    if total and not found:
        return redirect(_address(asked, -(-total // PAGE)))
    rows = [_row(each, told) for each, told in zip(found, stocktaking.with_costs(o, found), strict=True)]
    context = {
        "rows": rows,
        "total": total,
        "asked": asked,
        "first": wanted.offset + 1,
        "last": wanted.offset + len(rows),
        "kinds": _TITLES.items(),
        "texts": [{"name": name, "label": label, "value": asked[name]} for name, label in _TEXTS.items()],
        "earlier": _address(asked, _number(asked["page"]) - 1) if wanted.offset else "",
        "later": _address(asked, _number(asked["page"]) + 1) if wanted.offset + PAGE < total else "",
    }
    is_part = request.htmx and not request.htmx.boosted  # type: ignore[attr-defined]
    if is_part:
        return render(request, "inventory/rows.html", context)
    looks = [{**each.as_dict(), "looked": each.row.looked_at} for each in stocktaking.accounts(o)]
    return render(request, "inventory/page.html", {**context, "looks": looks})


@require_safe
def resource(request: HttpRequest) -> HttpResponse:
    """By its id or ARN, in the address's `id`: those may hold slashes."""
    o, id = outlay(), request.GET.get("id", "")
    if not id:
        return redirect("resources")
    found = stocktaking.resource(o, id)
    costs = stocktaking.with_costs(o, [seen for seen, _ in found])
    shown = [
        {
            **_row(seen, told),
            "tags": sorted(seen.tags.items()),
            "details": [(name.replace("_", " "), _plain(value)) for name, value in seen.details.items()],
            "changes": [{"at": each.at, "change": each.change, "fields": _fields(each.fields)} for each in changes],
            "explorer": _explorer(seen),
        }
        for told, (seen, changes) in zip(costs, found, strict=True)
    ]
    return render(request, "inventory/resource.html", {"id": id, "found": shown})


def _asked(request: HttpRequest) -> dict[str, str]:
    names = ("q", "kind", *_TEXTS, "gone", "page")
    return {name: request.GET.get(name, "").strip()[:300] for name in names}


def _number(text: str) -> int:
    return max(1, int(text)) if text.isdecimal() and len(text) < 6 else 1


def _address(asked: Mapping[str, str], page: int) -> str:
    kept = {name: value for name, value in asked.items() if value and name != "page"}
    return f"{reverse('resources')}?{urlencode({**kept, 'page': page})}"


def _row(seen: Seen, told: Mapping[str, Any]) -> dict[str, Any]:
    amounts = {name: {unit: Decimal(each) for unit, each in told[name].items()} for name in COSTS}
    address = f"{reverse('resource')}?{urlencode({'id': told['id']})}"
    times = {"since": seen.since, "found": seen.found, "created": seen.created}
    return {**told, **times, **amounts, "title": _TITLES.get(told["kind"], told["kind"]), "address": address}


def _explorer(seen: Seen) -> str:
    """Its charges of the last 30 days by day; blank where none can be told from another's."""
    filters = [("is.ResourceId", billed) for billed in seen.billed_as]
    query = [("range", "last-30-days"), ("granularity", "day"), *filters]
    return f"{reverse('explorer')}?{urlencode(query)}" if filters else ""


def _fields(fields: Mapping[str, tuple[Any, Any]]) -> list[tuple[str, str, str]]:
    return [(name.replace("_", " "), _plain(before), _plain(after)) for name, (before, after) in fields.items()]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    if isinstance(value, dict):
        return " ".join(f"{name}={_plain(each)}" for name, each in value.items() if each is not None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)
