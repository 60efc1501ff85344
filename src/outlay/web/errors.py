"""Pages for what went wrong. Each says what to do next; none shows what an unexpected error says."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from django.core.exceptions import DisallowedHost, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from outlay.errors import (
    AccessError,
    Bug,
    Busy,
    Changed,
    DiskFull,
    OutlayError,
    SetupError,
    TooSlow,
    UnknownName,
    UsageError,
)
from outlay.web.api import problems
from outlay.web.roles import is_administrator

_log = logging.getLogger("outlay.web")

# The first that fits.
STATUS: tuple[tuple[type[OutlayError], int], ...] = (
    (UnknownName, 404),
    (UsageError, 400),
    (Busy, 503),
    (TooSlow, 503),
    (Changed, 409),
    (AccessError, 502),
    (SetupError, 500),
    (Bug, 500),
    (OutlayError, 500),
)

# They may name files of the server, or the address of its database: that is for whoever runs it.
OF_THE_SERVER = (SetupError, DiskFull)
UNSAID = ("The installation is not in order.", "Whoever runs it finds more in its log.")

TITLES: Mapping[int, str] = MappingProxyType(
    {
        400: "That does not fit",
        403: "That is not for you",
        404: "There is nothing here",
        409: "That has changed meanwhile",
        500: "Outlay failed",
        502: "The source does not answer",
        503: "Too much at once",
    }
)


@dataclass(frozen=True)
class Told:
    """What a page says of an error."""

    status: int
    message: str
    next: str
    retry_after: int | None = None

    @property
    def title(self) -> str:
        return TITLES[self.status]


def status_of(error: OutlayError) -> int:
    return next(status for kind, status in STATUS if isinstance(error, kind))


def told(request: HttpRequest, error: OutlayError) -> HttpResponse:
    """An error of Outlay's own as a page, or as the part of one that htmx asked for."""
    status = status_of(error)
    if status >= 500 and not isinstance(error, Busy | TooSlow | AccessError):
        _log.error("%s %s: %s", request.method, request.path, error.message)
    retry_after = error.retry_after if isinstance(error, Busy) else None
    is_for_all = not isinstance(error, OF_THE_SERVER) or _is_administrator(request)
    message, then = (error.message, error.next) if is_for_all else UNSAID
    return _page(request, Told(status, message, then, retry_after))


def _is_administrator(request: HttpRequest) -> bool:
    """By what was found out for this request: the database may be what failed, and is not asked."""
    user = getattr(request, "_cached_user", None)
    return user is not None and is_administrator(user)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        return _page(
            request, Told(400, "This site does not go by the name that it was asked for.", _HOSTS), is_bare=True
        )
    if isinstance(exception, TooManyFilesSent):
        return _page(request, Told(400, "Too many files were sent.", "Send fewer."))
    return _page(request, Told(400, "The request could not be understood.", "Go back and try it again."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, Told(403, "This is for administrators.", "Ask one to do it, or to make you one."))


def forgery(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token did not fit: an old page, or another site's doing."""
    return _page(
        request,
        Told(403, "This form was not sent from a page of this site, or from one that is too old.", _AGAIN),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, Told(404, "No page goes by this address.", "Check the address, or start from the overview."))


def failed(request: HttpRequest) -> HttpResponse:
    """The error itself may hold a secret, so only its kind and its place are told, and only in the log."""
    error = sys.exc_info()[1]
    last = traceback.extract_tb(error.__traceback__)[-1:] if error else []
    where = "".join(f" at {Path(frame.filename).name}:{frame.lineno}" for frame in last)
    _log.error("%s %s failed: %s%s", request.method, request.path, type(error).__name__, where)
    return _page(request, Told(500, "Something happened that nobody meant to happen.", _REPORT), is_bare=True)


_HOSTS = "Whoever runs it adds the name to OUTLAY_HOSTS, or sets OUTLAY_URL."
_AGAIN = "Go back, reload the page, and send it again. Behind a proxy, OUTLAY_URL has to be the address that you see."
_REPORT = "Try it again. If it stays, whoever runs the site finds the place in its log; report it with that line."


def _page(request: HttpRequest, what: Told, *, is_bare: bool = False) -> HttpResponse:
    """Bare: without anything that asks the database, which may be what failed. Programs get JSON."""
    if problems.is_for_programs(request):
        return problems.answer(request, problems.Problem(what.status, what.message, what.next))
    is_part = bool(getattr(request, "htmx", None)) and not getattr(request.htmx, "boosted", False)  # type: ignore[attr-defined]
    template = "errors/part.html" if is_part else "errors/bare.html" if is_bare else "errors/page.html"
    response = render(None if is_bare else request, template, {"error": what}, status=what.status)
    if what.retry_after is not None:
        response.headers["Retry-After"] = str(what.retry_after)
    return response
