"""Channels of notices and their log: for tokens of administrators, as the page is."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from outlay.state import noticing
from outlay.web.api import paging
from outlay.web.api.access import ADMINISTRATOR, WRITE, who
from outlay.web.api.answers import WRITE_ERRORS as ERRORS
from outlay.web.api.paging import Page
from outlay.web.api.shapes import (
    LAST_NUMBER,
    ChannelAdded,
    ChannelRemoved,
    ChannelSwitch,
    ChannelTold,
    NewChannelIn,
    NoticeTold,
)
from outlay.web.core import outlay
from outlay.web.notices.forms import channel_of

router = Router(tags=["notices"])

Number = Annotated[int, Path(ge=1, le=LAST_NUMBER)]


@router.get("notices", response={200: list[NoticeTold], **ERRORS}, auth=ADMINISTRATOR, summary="What was told")
def notices(request: HttpRequest, response: HttpResponse, page: Query[Page]) -> Any:
    """As `outlay notices log --json`, the newest first, a page at a time."""
    paging.tell(request, response, page, noticing.count())
    return [noticing.notice_told(row) for row in noticing.log(page.limit, page.offset)]


@router.get("channels", response={200: list[ChannelTold], **ERRORS}, auth=ADMINISTRATOR, summary="Who is told what")
def channels(request: HttpRequest, response: HttpResponse, page: Query[Page]) -> Any:
    """As `outlay notices list --json`. Of an address only the host is told."""
    ring = outlay().keyring
    return [noticing.channel_told(row, ring) for row in paging.cut(request, response, page, noticing.channels())]


@router.post("channels", response={201: ChannelAdded, **ERRORS}, auth=WRITE, summary="Add a channel")
def add(request: HttpRequest, response: HttpResponse, new: NewChannelIn) -> Any:
    """With what its kind has, by the rules of the page. The secret of a webhook is told here, and never again."""
    wanted = channel_of(new.kind, new.dict(exclude_unset=True, exclude={"kind"}))
    ring = outlay().keyring
    row = noticing.add(wanted, ring, by=who(request))
    response.headers["Location"] = f"{request.path}/{row.pk}"
    return 201, noticing.channel_told(row, ring) | {"secret": wanted.secrets.get("secret")}


@router.get("channels/{number}", response={200: ChannelTold, **ERRORS}, auth=ADMINISTRATOR, summary="Show a channel")
def channel(request: HttpRequest, number: Number) -> Any:
    return noticing.channel_told(noticing.channel(number), outlay().keyring)


@router.patch("channels/{number}", response={200: ChannelTold, **ERRORS}, auth=WRITE, summary="Switch a channel")
def switch(request: HttpRequest, number: Number, wanted: ChannelSwitch) -> Any:
    """What waits while it is off is told when it is on again."""
    return noticing.channel_told(noticing.switch(number, on=wanted.on, by=who(request)), outlay().keyring)


@router.delete("channels/{number}", response={200: ChannelRemoved, **ERRORS}, auth=WRITE, summary="Remove a channel")
def remove(request: HttpRequest, number: Number) -> Any:
    """With its log."""
    return {"name": noticing.remove(number, by=who(request)), "removed": True}


@router.post("channels/{number}/test", response={202: NoticeTold, **ERRORS}, auth=WRITE, summary="Try a channel")
def test(request: HttpRequest, number: Number) -> Any:
    """Told by the next worker that looks; the log tells what came of it."""
    return 202, noticing.notice_told(noticing.test(number, outlay().keyring, by=who(request)))
