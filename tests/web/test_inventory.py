"""What runs, by the API: the same as the commands, with a history that was written into the site's lake."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

import outlay
from outlay.inventory.keeping import keep
from outlay.lake.resources import Resources
from outlay.stocktaking import Unseen
from tests.inventory.conftest import ACCOUNT, HOUR, OTHER, piece, volume
from tests.web.conftest import Theme, Visit
from tests.web.pages import PHONE, WIDE, axe, overflow
from tests.web.sites import Site
from tests.web.tokens import Api, token


@pytest.fixture(scope="module")
def api(empty_site: Site) -> Api:
    at = datetime(2026, 11, 1, 12, tzinfo=UTC)
    with outlay.open(home=empty_site.home.home, threads=1) as o:
        table = Resources(o.lake)
        there = [volume(f"vol-{number}") for number in range(3)]
        keep(table, ACCOUNT, [piece(*there)], at)
        keep(table, ACCOUNT, [piece(*there[:2], volume("=cmd()", state="available"))], at + HOUR)
    return Api(empty_site, token(empty_site, "viewer", "read"))


def test_resources_are_told_as_the_command_tells_them(empty_site: Site, api: Api) -> None:
    told = api.get("resources")
    assert [each["id"] for each in told] == ["=cmd()", "vol-0", "vol-1"]
    assert told == empty_site.outlay("inventory", "list")
    assert [each["id"] for each in api.get("resources", state="gone")] == ["vol-2"]
    assert api.get("resources", kind="ec2-volume", tag="team=web", gone="true", text="VOL-2")


def test_resources_come_a_page_at_a_time_and_as_csv(api: Api) -> None:
    page = api.ask("resources", params={"limit": "1", "offset": "1"})
    assert (page.headers["X-Total-Count"], [each["id"] for each in page.json()]) == ("3", ["vol-0"])
    lines = api.ask("resources", params={"format": "csv", "limit": "1"}).text.splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("ec2-volume,'=cmd(),")


def test_a_resource_is_told_with_its_changes(empty_site: Site, api: Api) -> None:
    (told,) = api.get("resource", id="vol-2")
    assert [each["change"] for each in told["changes"]] == ["gone", "found"]
    assert [told] == empty_site.outlay("inventory", "show", "vol-2")
    assert api.ask("resource", params={"id": "vol-none"}).status_code == 404
    assert api.ask("resources", params={"kind": "ship"}).status_code == 400


def test_accounts_are_told_as_the_command_tells_them(empty_site: Site, api: Api) -> None:
    assert api.get("inventory") == empty_site.outlay("inventory", "accounts")


# The pages


def test_resources_are_searched_filtered_and_opened(empty_site: Site, api: Api, visit: Visit) -> None:
    page = visit(empty_site, "viewer")
    page.goto("/")
    page.get_by_role("link", name="Resources").click()
    rows = page.locator("tr[data-resource]")
    expect(rows).to_have_count(3)
    page.get_by_label("State", exact=True).fill("available")
    page.get_by_label("State", exact=True).press("Tab")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("=cmd()")
    page.goto("/resources")
    page.get_by_label("with what is gone").check()
    expect(rows).to_have_count(4)
    page.get_by_label("Search resources").fill("vol-2")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("gone")
    rows.get_by_role("link").click()
    expect(page.get_by_role("heading", name="vol-2")).to_be_visible()
    expect(page.get_by_role("row", name="gone")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])
    page.get_by_role("link", name="By day").click()
    expect(page).to_have_url(re.compile("is.ResourceId=vol-2&is.ResourceId=arn"))
    expect(page.get_by_role("heading", name="Explorer")).to_be_visible()
    assert empty_site.ask("/resource", "viewer").headers["Location"] == "/resources"
    assert empty_site.ask("/resource?id=vol-none", "viewer").status_code == 404
    page.goto("/resources?q=nobody-has-this")
    expect(page.get_by_text("No resource fits")).to_be_visible()


@pytest.mark.parametrize(("width", "theme"), [(WIDE, "light"), (PHONE, "dark")])
def test_the_page_of_resources_is_accessible_and_fits(
    empty_site: Site, api: Api, visit: Visit, width: int, theme: Theme
) -> None:
    page = visit(empty_site, "viewer", width=width, theme=theme)
    page.goto("/resources")
    expect(page.locator("tr[data-resource]").first).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])


def test_a_long_list_is_shown_a_page_at_a_time(empty_site: Site, api: Api, visit: Visit) -> None:
    with outlay.open(home=empty_site.home.home, threads=1) as o:
        many = [volume(f"eni-{number:02}", account=OTHER) for number in range(60)]
        keep(Resources(o.lake), OTHER, [piece(*many)], datetime(2026, 11, 2, tzinfo=UTC))
    page = visit(empty_site, "viewer")
    page.goto("/resources?q=eni-")
    rows = page.locator("tr[data-resource]")
    expect(rows).to_have_count(50)
    page.get_by_role("link", name="More").click()
    expect(rows).to_have_count(10)
    expect(page.get_by_text("51 to 60 of 60", exact=True)).to_be_visible()
    # An address that was kept, of a page that there is no more.
    page.goto("/resources?q=eni-&page=9")
    expect(page.get_by_text("51 to 60 of 60", exact=True)).to_be_visible()
    page.get_by_role("link", name="Earlier").click()
    expect(rows).to_have_count(50)


def test_what_was_not_seen_stands_below_with_the_missing_permission(empty_site: Site, visit: Visit) -> None:
    with outlay.open(home=empty_site.home.home) as o:
        _ = o.memory
        from outlay.state import inventory

        now = datetime.now(UTC)
        lease = inventory.claim(ACCOUNT, now)
        assert lease
        unseen = Unseen(
            "ec2-image", ("eu-west-1",), "ec2:DescribeImages", "It may not.", "Allow ec2:DescribeImages.", False
        )
        inventory.finish(lease, now, HOUR, connection="one", seen=0, troubles=[unseen.as_dict()])
    page = visit(empty_site, "viewer")
    page.goto("/resources")
    told = page.locator(f"[data-look='{ACCOUNT}']")
    expect(told).to_contain_text("ec2-image not seen in eu-west-1. It may not. Allow ec2:DescribeImages.")
    assert axe(page) == []
