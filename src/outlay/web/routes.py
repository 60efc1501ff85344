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
    # CBF over HTTP, with tokens of its own.
    Route(
        "v2/connections/billing/anycost/<str:name>/billing_drops", "outlay.web.streams.drops", "stream-drops", ITSELF
    ),
    Route(
        "v2/connections/billing/anycost/<str:name>/billing_drops/validate",
        "outlay.web.streams.validate",
        "stream-validate",
        ITSELF,
    ),
    Route(
        "v2/connections/billing/anycost/<str:name>/billing_drops/<str:month>",
        "outlay.web.streams.drop",
        "stream-drop",
        ITSELF,
    ),
    # Connections. What changes something is for administrators.
    Route("connections", "outlay.web.connections.views.connections", "connections", VIEWER),
    Route("connection-news", "outlay.web.connections.views.news", "connection-news", VIEWER),
    Route("add-connection", "outlay.web.connections.adding.tiles", "connection-tiles", ADMINISTRATOR),
    Route(
        "add-connection/policy/<str:way>",
        "outlay.web.connections.policies.download",
        "connection-policy",
        ADMINISTRATOR,
    ),
    Route("add-connection/<str:tile>", "outlay.web.connections.adding.add", "connection-add", ADMINISTRATOR),
    Route("add-connection/<str:tile>/field", "outlay.web.connections.adding.field", "connection-field", ADMINISTRATOR),
    Route("add-connection/<str:tile>/test", "outlay.web.connections.adding.test", "connection-test", ADMINISTRATOR),
    Route(
        "add-connection/<str:tile>/policy",
        "outlay.web.connections.adding.iam_policy",
        "connection-add-policy",
        ADMINISTRATOR,
    ),
    Route(
        "add-connection/<str:tile>/exports",
        "outlay.web.connections.exporting.find",
        "connection-find-exports",
        ADMINISTRATOR,
    ),
    Route("make-export", "outlay.web.connections.exporting.make", "make-export", ADMINISTRATOR),
    Route("make-export/field", "outlay.web.connections.exporting.make_field", "make-export-field", ADMINISTRATOR),
    Route(
        "make-export/policy",
        "outlay.web.connections.exporting.make_policy",
        "make-export-policy",
        ADMINISTRATOR,
    ),
    Route("make-export/plan", "outlay.web.connections.exporting.make_plan", "make-export-plan", ADMINISTRATOR),
    Route("connections/<str:name>", "outlay.web.connections.views.connection", "connection", VIEWER),
    Route("connections/<str:name>/progress", "outlay.web.connections.views.progress", "connection-progress", VIEWER),
    Route("connections/<str:name>/check", "outlay.web.connections.doing.check", "connection-check", ADMINISTRATOR),
    Route("connections/<str:name>/test", "outlay.web.connections.doing.test", "connection-test-again", ADMINISTRATOR),
    Route("connections/<str:name>/stop", "outlay.web.connections.doing.stop", "connection-stop", ADMINISTRATOR),
    Route("connections/<str:name>/pause", "outlay.web.connections.doing.pause", "connection-pause", ADMINISTRATOR),
    Route("connections/<str:name>/resume", "outlay.web.connections.doing.resume", "connection-resume", ADMINISTRATOR),
    Route("connections/<str:name>/edit", "outlay.web.connections.doing.edit", "connection-edit", ADMINISTRATOR),
    Route(
        "connections/<str:name>/edit/field",
        "outlay.web.connections.doing.edit_field",
        "connection-edit-field",
        ADMINISTRATOR,
    ),
    Route("connections/<str:name>/move", "outlay.web.connections.doing.move", "connection-move", ADMINISTRATOR),
    Route(
        "connections/<str:name>/move/field",
        "outlay.web.connections.doing.move_field",
        "connection-move-field",
        ADMINISTRATOR,
    ),
    Route(
        "connections/<str:name>/move/test",
        "outlay.web.connections.doing.move_test",
        "connection-move-test",
        ADMINISTRATOR,
    ),
    Route(
        "connections/<str:name>/move/policy",
        "outlay.web.connections.doing.move_policy",
        "connection-move-policy",
        ADMINISTRATOR,
    ),
    Route(
        "connections/<str:name>/move/exports",
        "outlay.web.connections.exporting.move_find",
        "connection-move-exports",
        ADMINISTRATOR,
    ),
    Route(
        "connections/<str:name>/export", "outlay.web.connections.exporting.checklist", "connection-checklist", VIEWER
    ),
    Route("connections/<str:name>/count", "outlay.web.connections.doing.count", "connection-count", ADMINISTRATOR),
    Route("connections/<str:name>/back", "outlay.web.connections.doing.back", "connection-back", ADMINISTRATOR),
    Route(
        "connections/<str:name>/forward", "outlay.web.connections.doing.forward", "connection-forward", ADMINISTRATOR
    ),
    Route(
        "connections/<str:name>/accounts",
        "outlay.web.accounts_in_bills.views.count",
        "connection-accounts",
        ADMINISTRATOR,
    ),
    Route("connections/<str:name>/remove", "outlay.web.connections.doing.remove", "connection-remove", ADMINISTRATOR),
    Route("connections/<str:name>/in/<str:month>", "outlay.web.connections.views.period", "connection-period", VIEWER),
    Route(
        "connections/<str:name>/in/<str:month>/changes",
        "outlay.web.connections.views.compare",
        "connection-compare",
        VIEWER,
    ),
    Route(
        "connections/<str:name>/in/<str:month>/live",
        "outlay.web.connections.doing.make_live",
        "connection-live",
        ADMINISTRATOR,
    ),
    Route(
        "connections/<str:name>/in/<str:month>/invoice",
        "outlay.web.connections.doing.invoice",
        "connection-invoice",
        ADMINISTRATOR,
    ),
    # Bills that several connections hold
    Route("overlaps", "outlay.web.overlapping.views.page", "connection-overlaps", VIEWER),
    Route("overlaps/choose", "outlay.web.overlapping.views.choose", "connection-overlap-choose", ADMINISTRATOR),
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
    # Notices
    Route("notices", "outlay.web.notices.views.notices", "notices", ADMINISTRATOR),
    Route("notices/log", "outlay.web.notices.views.log", "notice-log", ADMINISTRATOR),
    Route("notices/add/<str:kind>", "outlay.web.notices.views.add", "notice-add", ADMINISTRATOR),
    Route("notices/<int:number>/test", "outlay.web.notices.views.test", "notice-test", ADMINISTRATOR),
    Route("notices/<int:number>/switch", "outlay.web.notices.views.switch", "notice-switch", ADMINISTRATOR),
    Route("notices/<int:number>/remove", "outlay.web.notices.views.remove", "notice-remove", ADMINISTRATOR),
    Route("users", "outlay.web.accounts.users.users", "users", ADMINISTRATOR),
    Route("users/<int:number>/role", "outlay.web.accounts.users.role", "user-role", ADMINISTRATOR),
    Route("users/<int:number>/link", "outlay.web.accounts.users.link", "user-link", ADMINISTRATOR),
    Route("users/<int:number>/remove", "outlay.web.accounts.users.remove", "user-remove", ADMINISTRATOR),
    # What runs
    Route("resources", "outlay.web.inventory.views.resources", "resources", VIEWER),
    Route("resource", "outlay.web.inventory.views.resource", "resource", VIEWER),
    # Accounts in the bills
    Route("accounts", "outlay.web.accounts_in_bills.views.accounts", "accounts-in-bills", VIEWER),
    Route("accounts/<str:account>/report", "outlay.web.accounts_in_bills.views.report", "account-report", VIEWER),
    Route(
        "accounts/<str:account>/report.<str:format>",
        "outlay.web.accounts_in_bills.views.report_file",
        "account-report-file",
        VIEWER,
    ),
    # Overview and explorer
    Route("", "outlay.web.overview.views.page", "overview", VIEWER),
    Route("explorer", "outlay.web.explorer.views.page", "explorer", VIEWER),
    Route("explorer/drill", "outlay.web.explorer.views.drill", "explorer-drill", VIEWER),
    Route("explorer/numbers", "outlay.web.explorer.views.numbers", "explorer-numbers", VIEWER),
    Route("explorer/values", "outlay.web.explorer.views.values", "explorer-values", VIEWER),
    Route("explorer/charges", "outlay.web.explorer.charges.listing", "explorer-charges", VIEWER),
    Route(
        "explorer/charges/<str:connection>/<str:period>/<int:row>",
        "outlay.web.explorer.charges.charge",
        "explorer-charge",
        VIEWER,
    ),
    Route("explorer/export/<str:what>.<str:format>", "outlay.web.explorer.exporting.export", "explorer-export", VIEWER),
    Route("explorer/views", "outlay.web.explorer.saving.views", "explorer-views", VIEWER),
    Route("explorer/views/<int:number>/remove", "outlay.web.explorer.saving.remove", "explorer-view-remove", VIEWER),
)


def patterns() -> Iterator[URLPattern | URLResolver]:
    for route in ROUTES:
        view: Any = import_string(route.view)
        yield path(route.path, GUARDS[route.access](view) if callable(view) else view, name=route.name)
