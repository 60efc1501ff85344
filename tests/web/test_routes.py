"""The table of routes, walked: who may not come in does not, and nothing is done without a form's token."""

from __future__ import annotations

import re

import pytest

from outlay.web.roles import Access
from outlay.web.routes import ROUTES, Route
from tests.web.sites import Site

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CLOSED = [route for route in ROUTES if route.access in (Access.VIEWER, Access.ADMINISTRATOR)]
FOR_ADMINISTRATORS = [route for route in ROUTES if route.access is Access.ADMINISTRATOR]
# A value for each kind of place in a path.
VALUES = {
    "int": "1",
    "str": "some",
    "slug": "some",
    "path": "some/where",
    "uuid": "00000000-0000-0000-0000-000000000000",
}


def filled(route: Route) -> str:
    """An address that the route answers to."""
    return "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda place: VALUES.get(place[1] or "str", "some"), route.path)


@pytest.mark.parametrize("method", METHODS)
def test_nobody_is_sent_to_sign_in(site: Site, method: str) -> None:
    for route in CLOSED:
        answer = site.ask(filled(route), method=method)
        assert (answer.status_code, answer.headers.get("Location", "").partition("?")[0]) == (302, "/sign-in"), route


@pytest.mark.parametrize("method", METHODS)
def test_a_viewer_is_kept_from_what_is_for_administrators(site: Site, method: str) -> None:
    assert FOR_ADMINISTRATORS
    for route in FOR_ADMINISTRATORS:
        answer = site.ask(filled(route), "viewer", method=method)
        assert answer.status_code == 403, route
        assert "Ask one to do it" in answer.text


def test_a_part_that_htmx_asks_for_sends_the_whole_page_to_sign_in(site: Site) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": f"{site.url}/account/tokens"}
    answer = site.ask("/account", headers=headers)
    assert answer.headers["HX-Redirect"] == "/sign-in?next=%2Faccount%2Ftokens"


def test_no_form_is_taken_without_its_token(site: Site) -> None:
    before = site.outlay("users", "list")
    for route in ROUTES:
        if route.access is not Access.ITSELF:
            answer = site.ask(filled(route), "administrator", method="POST", headers={"Referer": f"{site.url}/"})
            assert answer.status_code == 403, route
            assert "reload the page" in answer.text
    assert site.outlay("users", "list") == before


def test_every_address_is_in_the_table_once() -> None:
    paths = [route.path for route in ROUTES]
    names = [route.name for route in ROUTES]
    assert len(set(paths)) == len(paths)
    assert len(set(names)) == len(names)


def test_an_unknown_address_is_told_with_what_to_do(site: Site) -> None:
    for role in (None, "viewer"):
        answer = site.ask("/nowhere", role)
        assert answer.status_code == 404
        assert "Check the address" in answer.text


def test_a_host_that_the_site_does_not_go_by_is_refused(site: Site) -> None:
    answer = site.ask("/sign-in", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "OUTLAY_HOSTS" in answer.text
