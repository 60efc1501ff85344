"""Connections, their runs and their billing periods."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router, Schema

from outlay import connecting
from outlay.web.api import paging
from outlay.web.api.answers import ERRORS
from outlay.web.api.paging import Page
from outlay.web.api.shapes import (
    DELIVERY,
    LAST_NUMBER,
    NAME,
    PERIOD,
    ActTold,
    ChangeTold,
    Compared,
    ConnectionShown,
    ConnectionTold,
    DeliveryTold,
    InvoiceTold,
    MovedTold,
    Outcome,
    PeriodTold,
    ProgressTold,
    Runs,
    RunTold,
    Status,
)
from outlay.web.core import outlay

router = Router(tags=["connections"])

Name = Annotated[str, Path(pattern=NAME, description="The connection's name.")]
Period = Annotated[str, Path(pattern=PERIOD, description="2026-05 or 20260501-20260601.")]
Number = Annotated[int, Path(ge=1, le=LAST_NUMBER)]


class TwoDeliveries(Schema):
    before: str = Field(pattern=DELIVERY)
    after: str = Field(pattern=DELIVERY)


class ConnectionPage(Page):
    status: Status | None = Field(None, description="Only those of this status.")


class RunPage(Page):
    limit: int = Field(20, ge=1, le=100, description="How many at most.")
    outcome: Outcome | None = None
    period: str | None = Field(None, pattern=PERIOD)


class AnyRunPage(RunPage):
    connection: str | None = Field(None, pattern=NAME)


@router.get("connections", response={200: list[ConnectionTold], **ERRORS}, summary="List connections")
def connections(request: HttpRequest, response: HttpResponse, page: Query[ConnectionPage]) -> Any:
    """As `outlay connections list --json`, a page at a time; `X-Total-Count` and `Link` tell of the others."""
    views = [each for each in outlay().connections() if page.status in (None, each.status.status)]
    return [each.as_dict() for each in paging.cut(request, response, page, views)]


@router.get("connections/{name}", response={200: ConnectionShown, **ERRORS}, summary="Show a connection")
def connection(request: HttpRequest, name: Name) -> Any:
    return outlay().shown(name)


@router.get("connections/{name}/timeline", response={200: list[ChangeTold], **ERRORS}, summary="Changes of its status")
def timeline(request: HttpRequest, response: HttpResponse, name: Name, page: Query[Page]) -> Any:
    """The newest first."""
    return [each.as_dict() for each in paging.cut(request, response, page, outlay().timeline(name))]


@router.get("connections/{name}/progress", response={200: ProgressTold | None, **ERRORS}, summary="How far a check is")
def progress(request: HttpRequest, name: Name) -> Any:
    """Of the check under way, or else of the last one; null before the first."""
    found = outlay().progress(name)
    return HttpResponse("null", content_type="application/json") if found is None else found.as_dict()


@router.get(
    "connections/{name}/periods",
    response={200: list[PeriodTold], **ERRORS},
    by_alias=True,
    summary="Its billing periods",
)
def periods(request: HttpRequest, response: HttpResponse, name: Name, page: Query[Page]) -> Any:
    """As `outlay periods --json`, the newest first."""
    return [each.as_dict() for each in paging.cut(request, response, page, outlay().periods(name))]


@router.get(
    "connections/{name}/periods/{period}",
    response={200: PeriodTold, **ERRORS},
    by_alias=True,
    summary="Show a billing period",
)
def period(request: HttpRequest, name: Name, period: Period) -> Any:
    return connecting.period(outlay(), name, period).as_dict()


@router.get(
    "connections/{name}/periods/{period}/deliveries",
    response={200: list[DeliveryTold], **ERRORS},
    by_alias=True,
    summary="The deliveries ever seen of a billing period",
)
def deliveries(request: HttpRequest, response: HttpResponse, name: Name, period: Period, page: Query[Page]) -> Any:
    """The newest first, each with its runs and their bill checks."""
    found = connecting.deliveries(outlay(), name, connecting.period(outlay(), name, period))
    return [each.as_dict() for each in paging.cut(request, response, page, found)]


@router.get(
    "connections/{name}/periods/{period}/compare",
    response={200: Compared, **ERRORS},
    summary="What changed from one delivery to another",
)
def compare(request: HttpRequest, name: Name, period: Period, asked: Query[TwoDeliveries]) -> Any:
    view = connecting.period(outlay(), name, period)
    return connecting.compare(outlay(), name, view, asked.before, asked.after).as_dict()


@router.get(
    "connections/{name}/periods/{period}/invoices",
    response={200: list[InvoiceTold], **ERRORS},
    summary="Its charges by invoice, beside the amounts on paper",
)
def invoices(request: HttpRequest, response: HttpResponse, name: Name, period: Period, page: Query[Page]) -> Any:
    found = connecting.invoices(outlay(), name, connecting.period(outlay(), name, period))
    return [each.as_dict() for each in paging.cut(request, response, page, found)]


@router.get("connections/{name}/moves", response={200: list[MovedTold], **ERRORS}, summary="Moves that it is part of")
def moves(request: HttpRequest, name: Name) -> Any:
    """With both sums for every month that both connections hold."""
    return [each.as_dict() for each in connecting.moves(outlay(), name)]


@router.get("connections/{name}/acts", response={200: list[ActTold], **ERRORS}, summary="Who did what to it")
def acts(request: HttpRequest, response: HttpResponse, name: Name, page: Query[Page]) -> Any:
    """The newest first."""
    return [each.as_dict() for each in paging.cut(request, response, page, connecting.acts(outlay(), name))]


@router.get("connections/{name}/runs", response={200: Runs, **ERRORS}, summary="Its runs", tags=["runs"])
def runs_of(request: HttpRequest, response: HttpResponse, name: Name, page: Query[RunPage]) -> Any:
    """The newest first. Checks that found nothing new leave none."""
    outlay().connection(name)
    return _runs(request, response, page, {"connection": name})


@router.get("runs", response={200: Runs, **ERRORS}, summary="Runs", tags=["runs"])
def runs(request: HttpRequest, response: HttpResponse, page: Query[AnyRunPage]) -> Any:
    """As `outlay ingest --json`, the newest first. Checks that found nothing new leave none."""
    return _runs(request, response, page, {"connection": page.connection})


@router.get("runs/{number}", response={200: RunTold, **ERRORS}, summary="Show a run", tags=["runs"])
def run(request: HttpRequest, number: Number) -> Any:
    return outlay().run(number).as_dict()


def _runs(request: HttpRequest, response: HttpResponse, page: RunPage, wanted: dict[str, str | None]) -> Any:
    found, total = outlay().runs(
        **wanted, period=page.period, outcome=page.outcome, offset=page.offset, limit=page.limit
    )
    paging.tell(request, response, page, total)
    return {"runs": [each.as_dict() for each in found]}
