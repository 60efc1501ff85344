"""Headers of every answer, and errors of Outlay's own as pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from outlay.errors import OutlayError, UsageError
from outlay.visit import visit
from outlay.web import errors
from outlay.web.api import problems

Next = Callable[[HttpRequest], HttpResponseBase]

_PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class Headers:
    """No page is kept by a cache: after signing out, the back button shows nothing."""

    def __init__(self, get_response: Next) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        response.headers.setdefault("X-Robots-Tag", "noindex")
        return response


class Visits:
    """All that a request asks sees the lake as it was at first, and waits no longer together than one question may."""

    def __init__(self, get_response: Next) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with visit():
            return self._get_response(request)


class Errors:
    """What Outlay raises on purpose says what to do next, so it is shown."""

    def __init__(self, get_response: Next) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, named: Any) -> HttpResponseBase | None:
        """No text that is kept has a NUL, and PostgreSQL fails at one. The API says where it stands by itself."""
        if problems.is_for_programs(request):
            return None
        sent = (each for values in request.POST.lists() for each in (values[0], *values[1]))
        if not any("\0" in str(text) for text in (request.path_info, *sent)):
            return None
        return errors.told(request, UsageError("What was sent holds a letter that no text has.", next="Write it anew."))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        return errors.told(request, error) if isinstance(error, OutlayError) else None
