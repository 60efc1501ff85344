"""Bills of one payer and month that several connections hold."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from outlay import overlapping
from outlay.errors import UsageError
from outlay.overlapping import BOTH
from outlay.web.api.access import WRITE, who
from outlay.web.api.answers import ERRORS, WRITE_ERRORS
from outlay.web.api.shapes import NAME_OR_NONE, Line, OverlapChoice, OverlapsTold, OverlapTold
from outlay.web.core import outlay

router = Router(tags=["connections"])


class AskedOverlaps(Schema):
    connection: str = Field("", pattern=NAME_OR_NONE, description="Only those that it is part of.")
    payer: Line = Field("", description="Only those of this payer.")


@router.get("overlaps", response={200: OverlapsTold, **ERRORS}, summary="Bills that several connections hold")
def overlaps(request: HttpRequest, asked: Query[AskedOverlaps]) -> Any:
    """Of the same payer and month, with both sums, and what is left out because one counts for the other."""
    names = [asked.connection] if asked.connection else []
    return overlapping.found(outlay(), names, asked.payer).as_dict()


@router.put("overlaps", response={200: OverlapTold, **WRITE_ERRORS}, auth=WRITE, summary="Choose which of two counts")
def choose(request: HttpRequest, wanted: OverlapChoice) -> Any:
    """In all months, at once. No bill is read again, and it can be changed at any time."""
    if wanted.both and wanted.count:
        raise UsageError("Either one counts or both do.", next="Leave one of the two out.", field="count")
    o = outlay()
    overlap = overlapping.chosen(o, wanted.connections, wanted.payer)
    overlapping.choose(o, overlap, BOTH if wanted.both else wanted.count or "", by=who(request))
    return overlapping.chosen(o, wanted.connections, wanted.payer).as_dict()
