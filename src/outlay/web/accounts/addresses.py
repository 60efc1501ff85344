"""Where a request comes from, and where one may be sent."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from outlay.web.core import installation


def address_of(request: HttpRequest) -> str:
    """The client's address; behind OUTLAY_PROXIES proxies, what the outermost of them says."""
    peer = str(request.META.get("REMOTE_ADDR", ""))
    proxies = installation().proxies
    forwarded = [each.strip() for each in request.headers.get("X-Forwarded-For", "").split(",") if each.strip()]
    # What stands further left was written by the client.
    return forwarded[-proxies] if 0 < proxies <= len(forwarded) else peer


def is_own(request: HttpRequest, url: str) -> bool:
    """Does the address lie on this site? All others are refused as the place to go on to."""
    return url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure())
