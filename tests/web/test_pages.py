"""Each page of the site in a browser: wide and on a phone, in light and dark, for each role."""

from __future__ import annotations

import pytest

from outlay.web.roles import Access
from outlay.web.routes import ROUTES
from tests.web.conftest import Theme, Visit
from tests.web.pages import PHONE, WIDE, axe, overflow
from tests.web.sites import Site

# Pages without anything to fill in. What has is looked at where it is tested.
PAGES = [route for route in ROUTES if "<" not in route.path and route.access in (Access.VIEWER, Access.ADMINISTRATOR)]
# These answer GET with something else than a page: a way elsewhere, a piece of one, or that it is no way to ask.
ELSEWHERE = {
    *("account_change_password", "connection-news", "connection-overlap-choose"),
    *("make-export-field", "make-export-plan", "make-export-policy", "resource"),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_every_page_is_accessible_and_fits(site: Site, visit: Visit, width: int, theme: Theme) -> None:
    page = visit(site, "administrator", width=width, theme=theme)
    for route in PAGES:
        if route.name in ELSEWHERE:
            continue
        answer = page.goto(f"/{route.path}")
        assert answer is not None
        assert answer.status == 200, route
        assert page.locator("html").get_attribute("data-bs-theme") == theme
        assert (route, axe(page), overflow(page)) == (route, [], [])
