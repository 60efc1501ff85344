"""Headers of every answer, and errors of Outlay's own as pages."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from outlay.errors import OutlayError
from outlay.visit import visit
from outlay.web import errors

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

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        return errors.told(request, error) if isinstance(error, OutlayError) else None
