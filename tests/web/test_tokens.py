"""API tokens: shown once, kept as digests, revoked, and never more than their user."""

from __future__ import annotations

import re

from tests.web.conftest import Visit
from tests.web.pages import PHONE, axe, overflow
from tests.web.sites import Site
from tests.web.test_links import kept


def test_a_token_is_shown_once_and_kept_as_a_digest(shared_site: Site, visit: Visit) -> None:
    page = visit(shared_site, "viewer", width=PHONE, theme="dark")
    page.goto("/account/tokens")
    page.get_by_label("Name").fill("nightly-report-for-the-finance-department-in-hohenfels-oberbach")
    page.get_by_role("button", name="Make the token").click()
    text = page.get_by_label("The new token").input_value()
    assert re.fullmatch(r"outlay_[\w-]{43}", text)
    assert (axe(page), overflow(page)) == ([], [])
    assert text not in kept(shared_site.home)
    page.goto("/account/tokens")
    assert text not in page.content()
    assert f"…{text[-4:]}" in page.content()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_text("The token is revoked").wait_for()
    assert page.get_by_text("No tokens yet").is_visible()


def test_a_token_cannot_do_more_than_its_user(shared_site: Site) -> None:
    told = {"name": "greedy", "role": "administrator", "scope": "write", "days": "30"}
    answer = shared_site.ask("/account/tokens", "viewer", "POST", data=told)
    assert answer.status_code == 422
    assert "outlay_" not in answer.text


def test_a_token_does_not_last_for_ever(shared_site: Site) -> None:
    for days in ("0", "366", "-1", "1e9", "", "99999999999999999999"):
        told = {"name": "long", "role": "viewer", "scope": "read", "days": days}
        assert shared_site.ask("/account/tokens", "viewer", "POST", data=told).status_code == 422


def test_nobody_revokes_the_token_of_another(shared_site: Site) -> None:
    told = {"name": "mine", "role": "viewer", "scope": "read", "days": "30"}
    page = shared_site.ask("/account/tokens", "administrator", "POST", data=told).text
    number = re.findall(r"/account/tokens/(\d+)/revoke", page)[0]
    assert shared_site.ask(f"/account/tokens/{number}/revoke", "viewer", "POST").status_code == 404
    assert shared_site.ask(f"/account/tokens/{number}/revoke", "administrator", "POST").status_code == 302
