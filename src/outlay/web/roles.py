"""Who may do what. A view says nothing about it: its row in `routes.ROUTES` does."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django_htmx.http import HttpResponseClientRedirect

View = Callable[..., HttpResponseBase]


class Access(StrEnum):
    """Who reaches a route. ITSELF: it asks for a token of its own, and knows no session."""

    ANYONE = "anyone"
    VIEWER = "viewer"
    ADMINISTRATOR = "administrator"
    ITSELF = "itself"


class Role(StrEnum):
    VIEWER = "viewer"
    ADMINISTRATOR = "administrator"


def is_administrator(user: Any) -> bool:
    """Of users signed in or not."""
    return bool(user.is_authenticated and user.is_active and user.role == Role.ADMINISTRATOR)


def who(request: HttpRequest) -> str:
    """Whose doing it is, as it is recorded."""
    return request.user.get_username()


def viewer(view: View) -> View:
    """For all who are signed in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        return view(request, *args, **kwargs)

    return guarded


def administrator(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_administrator(request.user):
            raise PermissionDenied("This is for administrators.")
        return view(request, *args, **kwargs)

    return viewer(guarded)


GUARDS: dict[Access, Callable[[View], View]] = {
    Access.ANYONE: lambda view: view,
    Access.VIEWER: viewer,
    Access.ADMINISTRATOR: administrator,
    Access.ITSELF: lambda view: view,
}


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Back to the page afterwards; of a part that htmx asked for, to the page that it is a part of."""
    htmx = getattr(request, "htmx", None)
    if htmx:
        return HttpResponseClientRedirect(_sign_in(htmx.current_url_abs_path or "/"))
    # What was to be done by POST is not done by the GET that follows.
    return redirect(_sign_in(request.get_full_path() if request.method in ("GET", "HEAD") else "/"))


def _sign_in(page: str) -> str:
    return f"{resolve_url('account_login')}?{urlencode({'next': page})}"
