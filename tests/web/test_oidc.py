"""Signing in by OpenID Connect, against a provider that speaks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.oidc import SECRET, Provider, provider
from tests.web.conftest import Visit
from tests.web.pages import axe, overflow
from tests.web.sites import NAMES, Home, Site, serving


@pytest.fixture(scope="module")
def example() -> Iterator[Provider]:
    with provider() as started:
        yield started


@pytest.fixture(scope="module")
def oidc_site(bare: Home, example: Provider) -> Iterator[Site]:
    bare.put_back()
    with serving(bare, example.environ) as started:
        yield started


def roles(site: Site) -> dict[str, str]:
    return {each["name"]: each["role"] for each in site.outlay("users", "list")}


def test_who_the_provider_vouches_for_comes_in_as_a_viewer_and_goes_on(
    oidc_site: Site, example: Provider, visit: Visit
) -> None:
    example.claims = {"sub": "17", "preferred_username": "rosalind", "email": "rosalind@example.com"}
    page = visit(oidc_site, also=example.url)
    page.goto("/sign-in?next=/account")
    assert (axe(page), overflow(page)) == ([], [])
    page.get_by_role("button", name="Sign in with Example ID").click()
    page.wait_for_url(f"{oidc_site.url}/account")
    page.get_by_text("rosalind@example.com").wait_for()
    page.get_by_text("have no password here").wait_for()
    assert roles(oidc_site)["rosalind"] == "viewer"


def test_a_claim_makes_administrators_and_its_loss_makes_viewers(
    oidc_site: Site, example: Provider, visit: Visit
) -> None:
    for groups, role in ((["staff", "finops"], "administrator"), (["staff"], "viewer")):
        example.claims = {"sub": "18", "preferred_username": "dorothy", "groups": groups}
        page = visit(oidc_site, also=example.url)
        page.goto("/sign-in")
        page.get_by_role("button", name="Sign in with Example ID").click()
        page.wait_for_url(f"{oidc_site.url}/")
        assert roles(oidc_site)["dorothy"] == role


def test_the_name_or_address_of_a_local_account_does_not_open_it(
    oidc_site: Site, example: Provider, visit: Visit
) -> None:
    name = NAMES["administrator"]
    example.claims = {"sub": "19", "preferred_username": name, "email": f"{name}@example.com", "email_verified": True}
    before = roles(oidc_site)
    page = visit(oidc_site, also=example.url)
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in with Example ID").click()
    page.wait_for_url(f"{oidc_site.url}/")
    after = roles(oidc_site)
    assert {each: after[each] for each in before} == before
    assert [after[each] for each in after.keys() - before.keys()] == ["viewer"]


def test_who_is_refused_there_is_told_so_here(oidc_site: Site, example: Provider, visit: Visit) -> None:
    example.claims = None
    page = visit(oidc_site, also=example.url)
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in with Example ID").click()
    page.get_by_role("heading", name="You are not signed in").wait_for()
    assert (axe(page), overflow(page)) == ([], [])


def test_an_answer_that_was_not_asked_for_is_refused(oidc_site: Site) -> None:
    answer = oidc_site.ask("/sign-in/oidc/callback", params={"code": "stolen", "state": "invented"})
    assert answer.status_code == 401
    assert "Try it again" in answer.text
    assert SECRET not in answer.text
    assert SECRET not in oidc_site.log.read_text()


def test_a_sign_in_does_not_tie_itself_to_an_account(oidc_site: Site) -> None:
    assert oidc_site.ask("/sign-in/oidc", method="POST", params={"process": "connect"}).status_code == 403
    assert oidc_site.ask("/sign-in/oidc", "viewer", method="POST").headers["Location"] == "/"
    assert oidc_site.ask("/sign-in/unknown/login", method="POST").status_code == 404
