"""From the whole to one charge: by clicks on bars and rows, by the keyboard alone, and back."""

from __future__ import annotations

import re
from decimal import Decimal
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Theme, Visit
from tests.web.pages import PHONE, WIDE, axe, overflow
from tests.web.sites import Site

BAR = "/explorer?by=ServiceName&range=last-month&is.BillingCurrency=EUR"


def query(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query)


def drawn(page: Page) -> None:
    expect(page.locator("[data-chart] svg").first).to_be_visible()


def column_of(page: Page) -> str:
    return page.locator(".outlay-table thead th").first.inner_text()


def test_from_the_overview_to_one_charge_and_back(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto("/")
    page.get_by_role("link", name="Nordlicht Cloud", exact=True).click()
    page.wait_for_url(re.compile(r"/explorer\?by="))
    assert ("is.ServiceProviderName", "Nordlicht Cloud") in query(page.url)
    seen = [page.url]
    # The first row of each answer leads on, until there are charges.
    for _ in range(8):
        page.locator(".outlay-table tbody a").first.click()
        page.wait_for_url(lambda url: url != seen[-1])
        seen.append(page.url)
        if "/explorer/charges" in page.url:
            break
    assert "/explorer/charges?" in page.url
    assert any(name == "is.ResourceId" or name == "empty.ResourceId" for name, _ in query(page.url))
    page.get_by_role("link", name="this charge").first.click()
    page.wait_for_url(re.compile(r"/explorer/charges/[\w-]+/\d{8}-\d{8}/\d+\?"))
    expect(page.get_by_role("heading", name="Costs")).to_be_visible()
    expect(page.get_by_text("x_SourceRow", exact=True)).to_be_visible()
    for url in reversed(seen):
        page.go_back()
        page.wait_for_url(url)


def test_the_amounts_of_charges_add_up_to_the_row_that_was_clicked(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto("/explorer?by=ServiceName&by=RegionId&range=last-month&is.BillingCurrency=EUR&contains.ServiceName=queue")
    row = page.locator(".outlay-table tbody tr").first
    shown = Decimal(row.locator("td.text-end").first.inner_text().replace(",", ""))
    row.get_by_role("link").click()
    page.wait_for_url(re.compile("is.RegionId"))
    page.get_by_role("link", name="Single charges").click()
    page.wait_for_url(re.compile("/explorer/charges"))
    told = [text.split()[0].replace(",", "") for text in page.locator("tbody td.text-end").all_inner_texts()]
    assert told
    assert abs(shown - sum(map(Decimal, told))) < Decimal("0.01") * len(told)


def test_a_bar_leads_to_its_group_in_its_period(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto(BAR)
    drawn(page)
    # One month, so one bar: in the middle of the chart, its lowest part is the dearest service.
    box = page.locator("[data-chart]").bounding_box()
    assert box is not None
    first = page.locator(".outlay-table tbody a").first.inner_text()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 100)
    page.wait_for_url(re.compile("granularity=day"))
    assert ("is.ServiceName", first) in query(page.url)
    assert column_of(page).lower() == "account"


def test_the_address_of_a_bar_leads_to_what_it_is_made_of(site: Site) -> None:
    asked = "by=ServiceName&range=all"
    group = quote('["AWS Lambda"]')
    answer = site.ask(f"/explorer/drill?{asked}&group={group}&period=2026-10-01&unit=USD", "viewer")
    assert answer.status_code == 302
    assert query(answer.headers["Location"]) == [
        ("by", "SubAccountId"),
        ("granularity", "day"),
        ("from", "2026-10-01"),
        ("to", "2026-10-31"),
        ("is.BillingCurrency", "USD"),
        ("is.ServiceName", "AWS Lambda"),
    ]
    missing = site.ask(f"/explorer/drill?{asked}&group={quote('[null]')}", "viewer")
    assert ("empty.ServiceName", "1") in query(missing.headers["Location"])
    whole = site.ask(f"/explorer/drill?{asked}&period=2026-10-01", "viewer")
    assert ("by", "ServiceName") in query(whole.headers["Location"])


def test_a_value_that_reads_as_the_remainder_is_a_value_like_others(site: Site) -> None:
    group = quote('["(all others)"]')
    answer = site.ask(f"/explorer/drill?by=ServiceName&group={group}", "viewer")
    assert (answer.status_code, "is.ServiceName=%28all+others%29" in answer.headers["Location"]) == (302, True)


@pytest.mark.parametrize("group", ["", "null", "[]", '["a","b"]', "[1]", "{}", "[[]]", "not json"])
def test_a_group_that_is_none_is_refused(site: Site, group: str) -> None:
    answer = site.ask(f"/explorer/drill?by=ServiceName&group={quote(group)}", "viewer")
    assert answer.status_code == 400


@pytest.mark.parametrize("period", ["yesterday", "2026-13-01", "9999-12-31", "0001-01-01", "1900-01-01"])
def test_a_period_that_is_none_is_refused(site: Site, period: str) -> None:
    answer = site.ask(f"/explorer/drill?by=ServiceName&range=last-month&group=%5B%22x%22%5D&period={period}", "viewer")
    assert answer.status_code == 400


def test_all_of_it_goes_by_the_keyboard(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto(BAR)
    page.get_by_role("link", name="The numbers of the chart").press("Enter")
    expect(page.get_by_role("columnheader", name="Period")).to_be_visible()
    page.get_by_role("rowheader").get_by_role("link", name=re.compile(r"^[A-Z][a-z]{2} 20\d\d$")).press("Enter")
    page.wait_for_url(re.compile("granularity=day"))
    page.locator("summary").press("Enter")
    page.get_by_label("Column").press("Escape")
    expect(page.locator("summary")).to_be_focused()
    expect(page.get_by_label("Column")).to_be_hidden()
    page.locator(".outlay-table tbody a").first.press("Enter")
    page.wait_for_url(re.compile("by=SubAccountId"))


def test_charges_are_listed_page_by_page(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer", width=PHONE)
    page.goto("/explorer/charges?range=last-month")
    first = page.locator("tbody tr").all_inner_texts()
    assert len(first) == 50
    page.get_by_role("link", name="Next").click()
    page.wait_for_url(re.compile("offset=50"))
    second = page.locator("tbody tr").all_inner_texts()
    assert len(second) == 50
    page.get_by_role("link", name="Dearer").click()
    page.wait_for_url(re.compile("offset=0"))
    assert page.locator("tbody tr").all_inner_texts() == first
    assert overflow(page) == []


@pytest.mark.parametrize("offset", ["-1", "x", "9999", "10000", "99999999999999999999", "١"])
def test_a_place_in_the_list_that_is_none_is_refused(site: Site, offset: str) -> None:
    assert site.ask(f"/explorer/charges?range=all&offset={offset}", "viewer").status_code == 400


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_a_charge_is_accessible_and_fits(site: Site, visit: Visit, width: int, theme: Theme) -> None:
    page = visit(site, "viewer", width=width, theme=theme)
    page.goto("/explorer/charges?range=last-month&is.ServiceName=Amazon%20Elastic%20Compute%20Cloud")
    assert (axe(page), overflow(page)) == ([], [])
    page.get_by_role("link", name="this charge").first.click()
    expect(page.get_by_role("heading", name="Costs")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])


def test_a_charge_that_is_gone_is_told(site: Site) -> None:
    answer = site.ask("/explorer/charges/some/20260101-20260201/7?delivery=x&file=y", "viewer")
    assert answer.status_code == 404
    assert "delivered anew" in answer.text
