"""The API as one tree of addresses, with its description at `openapi.json` and its documentation at `docs`."""

from __future__ import annotations

from ninja import NinjaAPI

from outlay.web.api import accounts, changing, costs, exporting, health, inventory, notices, overlaps
from outlay.web.api.access import READ
from outlay.web.api.handling import handle_errors, only_json

_ABOUT = """Everything that the pages and the commands know, for programs.

Send an API token, made on the page *API tokens* of your account, as `Authorization: Bearer …`. Amounts are decimal
texts. Lists come a page at a time: `limit` and `offset` choose it, the headers `X-Total-Count` and `Link` tell of the
others. What goes wrong is told as `{"code", "message", "next", "where"}`; with status 503 try again after the seconds
of `Retry-After`."""

api = NinjaAPI(title="Outlay", version="1", description=_ABOUT, auth=READ, urls_namespace="api")
# `changing` adds to the router of `connections`: an address has one view for all its methods.
_ROUTERS = (
    *(changing.router, costs.router, accounts.router, overlaps.router, inventory.router),
    *(exporting.router, notices.router, health.router),
)
for each in _ROUTERS:
    api.add_router("", each)
handle_errors(api)

patterns, _app, _namespace = api.urls
for pattern in patterns:
    pattern.callback = only_json(pattern.callback) if pattern.callback else None
tree = (patterns, _app, _namespace)
