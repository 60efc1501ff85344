"""What stands at the top of each page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from outlay.web.health import no_worker
from outlay.web.roles import Access, is_administrator


@dataclass(frozen=True)
class Entry:
    """`section` is the beginning of the names of the routes that belong to it, `connection` of `connections`."""

    label: str
    route: str
    icon: str
    section: str


ENTRIES = (
    Entry("Overview", "overview", "overview", "overview"),
    Entry("Explorer", "explorer", "explorer", "explorer"),
    Entry("Connections", "connections", "connection", "connection"),
    Entry("Accounts", "accounts-in-bills", "cloud", "accounts-in-bills"),
    Entry("Resources", "resources", "database", "resource"),
    Entry("Notices", "notices", "bell", "notice"),
    Entry("Users", "users", "users", "user"),
)


def context(request: HttpRequest) -> dict[str, Any]:
    """For every template: the entries that this user may follow, and which of them the page belongs to."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"navigation": [], "is_administrator": False}
    match = request.resolver_match
    here = (match.url_name or "") if match else ""
    return {
        "navigation": [
            {
                "label": each.label,
                "icon": each.icon,
                "url": reverse(each.route),
                "is_here": here.startswith(each.section),
            }
            for each in ENTRIES
            if _reaches(user, each.route)
        ],
        "is_administrator": is_administrator(user),
        # Looked up by the pages that show it.
        "no_worker": no_worker,
    }


def _reaches(user: Any, name: str) -> bool:
    # The table names the views, which are templates' readers themselves.
    from outlay.web.routes import ROUTES

    access = next((route.access for route in ROUTES if route.name == name), None)
    return access is not None and (access is not Access.ADMINISTRATOR or is_administrator(user))
