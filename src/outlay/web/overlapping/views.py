"""The page of bills that several connections hold: both sums side by side, and which of them counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from outlay import overlapping
from outlay.costs.overlap import Line, Overlap
from outlay.errors import Busy, TooSlow
from outlay.overlapping import BOTH
from outlay.web.core import outlay
from outlay.web.roles import who

# Lines of an overlap that stand open; those of older months are behind a fold.
_OPEN = 12


@dataclass(frozen=True)
class Shown:
    """An overlap as the page has it. `fold` are its older lines, `standing` what is to be known of who counts."""

    overlap: Overlap
    lines: tuple[Line, ...]
    fold: tuple[Line, ...]
    standing: tuple[str, ...]
    existing: frozenset[str]

    @property
    def counts(self) -> str:
        """Which of the radio buttons is set."""
        return self.overlap.choice or self.overlap.older


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    o = outlay()
    found = overlapping.found(o)
    names = frozenset(row.name for row in o.rows())
    context = {
        "found": found,
        "overlaps": [
            Shown(each, each.lines[:_OPEN], each.lines[_OPEN:], overlapping.standing(o, each), names)
            for each in found.overlaps
        ],
        "both": BOTH,
    }
    return render(request, "overlapping/page.html", context)


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Which of the two counts, both, or, with nothing chosen, the older again."""
    o = outlay()
    overlap = overlapping.chosen(o, request.POST.getlist("connection"), request.POST.get("payer", ""))
    choice = request.POST.get("count", "")
    overlapping.choose(o, overlap, choice, by=who(request))
    said = {BOTH: "Both bills count now.", "": f"The bill of {overlap.older}, the older connection, counts now."}
    messages.success(request, said.get(choice, f"The bill of {choice} counts now."))
    return redirect("connection-overlaps")


def of_connection(name: str) -> dict[str, Any]:
    """For the connection's page; nothing while that cannot be asked."""
    try:
        return {"overlaps": outlay().overlapping_with(name)}
    except (Busy, TooSlow):
        return {}


def left_out() -> frozenset[str]:
    """The connections of which bills are left out; none while that cannot be asked."""
    try:
        return frozenset(overlapping.found(outlay()).left_out_in_all)
    except (Busy, TooSlow):
        return frozenset()
