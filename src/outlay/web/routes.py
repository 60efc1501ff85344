"""Every address of the site in one table: what answers there, what it is called, and who reaches it.

A test walks it as nobody and as a viewer. A view is named by where it lies, so that its module is imported when
the table is read, and an `Access` stands in each row: there is no default.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, path
from django.utils.module_loading import import_string

from outlay.web.roles import GUARDS, Access


@dataclass(frozen=True)
class Route:
    """`view` is a function, or, for a whole tree such as the API's, the triple that Django's `include` gives."""

    path: str
    view: str
    name: str
    access: Access


ANYONE, VIEWER, ADMINISTRATOR, ITSELF = Access

ROUTES: tuple[Route, ...] = (
    # For machines
    Route("healthz", "outlay.web.health.healthz", "healthz", ANYONE),
    Route("metrics", "outlay.web.metrics.metrics", "metrics", ITSELF),
    # The API: its operations ask for a token, its documentation for nothing.
    Route("api/v1/", "outlay.web.api.urls.tree", "api", ITSELF),
    # Accounts. Names that begin with account_ and socialaccount_ are those that allauth looks for.
    Route("sign-in", "outlay.web.accounts.signing.sign_in", "account_login", ANYONE),
    Route("sign-in/oidc", "outlay.web.accounts.signing.oidc", "oidc", ANYONE),
    Route("sign-in/<str:provider_id>/login", "outlay.web.accounts.signing.oidc", "openid_connect_login", ANYONE),
    Route(
        "sign-in/<str:provider_id>/callback",
        "allauth.socialaccount.providers.openid_connect.views.callback",
        "openid_connect_callback",
        ANYONE,
    ),
    Route("sign-in/refused", "outlay.web.accounts.signing.refused", "socialaccount_login_cancelled", ANYONE),
    Route("sign-in/failed", "outlay.web.accounts.signing.refused", "socialaccount_login_error", ANYONE),
    Route("sign-in/closed", "outlay.web.accounts.signing.refused", "socialaccount_signup", ANYONE),
    Route("sign-in/inactive", "outlay.web.accounts.signing.refused", "account_inactive", ANYONE),
    Route("sign-out", "outlay.web.accounts.signing.sign_out", "account_logout", ANYONE),
    Route("link/<str:token>", "outlay.web.accounts.signing.by_link", "link", ANYONE),
    Route("account", "outlay.web.accounts.views.account", "account", VIEWER),
    Route("account/password", "outlay.web.accounts.views.password", "account_change_password", VIEWER),
    Route("account/tokens", "outlay.web.accounts.views.tokens", "tokens", VIEWER),
    Route("account/tokens/<int:number>/revoke", "outlay.web.accounts.views.revoke", "revoke-token", VIEWER),
    Route("users", "outlay.web.accounts.users.users", "users", ADMINISTRATOR),
    Route("users/<int:number>/role", "outlay.web.accounts.users.role", "user-role", ADMINISTRATOR),
    Route("users/<int:number>/link", "outlay.web.accounts.users.link", "user-link", ADMINISTRATOR),
    Route("users/<int:number>/remove", "outlay.web.accounts.users.remove", "user-remove", ADMINISTRATOR),
    # Overview. Until it has more to say it shows how the connections are.
    Route("", "outlay.web.start.page", "overview", VIEWER),
)


def patterns() -> Iterator[URLPattern | URLResolver]:
    for route in ROUTES:
        view: Any = import_string(route.view)
        yield path(route.path, GUARDS[route.access](view) if callable(view) else view, name=route.name)
