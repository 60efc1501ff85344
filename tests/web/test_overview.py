"""The first page: the month beside the last one, its projection, what moved, and what needs somebody."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Theme, Visit
from tests.web.pages import PHONE, WIDE, axe, overflow
from tests.web.sites import Home, Site


def number(text: str) -> Decimal:
    found = re.search(r"−?[\d,]+\.\d+", text)
    assert found is not None, text
    return Decimal(found[0].replace(",", "").replace("−", "-"))


def test_the_month_is_told_for_each_currency_with_a_formula_that_can_be_followed(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto("/")
    sections = page.locator("section:has(.outlay-formula)")
    expect(sections).to_have_count(2)
    for section in sections.all():
        so_far, projected = map(number, section.locator(".outlay-total").all_inner_texts())
        formula = section.locator(".outlay-formula").inner_text()
        told = re.fullmatch(
            r"([\d,.]+) \w{3} up to \d{4}-\d\d-\d\d \+ ([\d,.]+) \(the mean of the last 7 complete days\) "
            r"× (\d+) days left = ([\d,.]+) \w{3}",
            formula,
        )
        assert told is not None, formula
        up_to, mean, days, total = (Decimal(part.replace(",", "")) for part in told.groups())
        assert up_to + mean * days == total == projected
        assert up_to <= so_far
        providers = section.locator("tbody").first.locator("td").all_inner_texts()
        assert abs(sum(map(number, providers)) - so_far) < Decimal("0.05")
        expect(section.locator("[data-chart] svg")).to_be_visible()


def test_the_sum_so_far_is_the_explorers(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto("/")
    total = page.locator("a.outlay-total").first
    shown = total.inner_text()
    total.click()
    page.wait_for_url(re.compile(r"/explorer\?by=ServiceName.*(range=month-to-date|to=)"))
    expect(page.locator(".outlay-total")).to_have_count(1)
    assert page.locator(".outlay-total").inner_text() == shown
    expect(page.get_by_role("columnheader", name="Change, %")).to_be_visible()


def test_the_last_bill_check_and_the_connections_are_told(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto("/")
    check = page.get_by_role("region", name="Last bill check")
    expect(check.get_by_text("Equal")).to_be_visible()
    told = re.search(r"(\d+) in the bill.* = (\d+) charges", check.inner_text())
    assert told is not None
    expect(page.get_by_role("region", name="Connections that need attention")).to_contain_text("None of 4")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_the_overview_is_accessible_and_fits(site: Site, visit: Visit, width: int, theme: Theme) -> None:
    page = visit(site, "viewer", width=width, theme=theme)
    page.goto("/")
    expect(page.locator("[data-chart] svg").first).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])


def test_without_a_connection_it_says_how_to_begin(empty_site: Site, visit: Visit) -> None:
    page = visit(empty_site, "administrator", width=PHONE)
    page.goto("/")
    expect(page.get_by_role("link", name="Add a connection")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])
    theirs = visit(empty_site, "viewer")
    theirs.goto("/")
    expect(theirs.get_by_text("An administrator connects")).to_be_visible()


def test_when_all_slots_are_taken_it_says_when_to_ask_again_and_shows_what_takes_none(seeded: Home, site: Site) -> None:
    paths = (
        "/explorer?by=ServiceName&range=all",
        "/explorer/charges?range=all",
        "/explorer?by=Nonsense",
        "/",
        "/connections",
        "/connections/fernwick-aws",
    )
    site.outlay("connections", "set", "fernwick-aws", "--only-connected", "yes")
    done = subprocess.run(
        [sys.executable, "-m", "tests.web.busy", seeded.cookies["viewer"], *paths],
        env={**site.environ, "OUTLAY_QUESTION_WAIT": "1"},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        check=True,
    )
    site.outlay("connections", "set", "fernwick-aws", "--only-connected", "no")
    *asked, wrong, overview, connections, one = json.loads(done.stdout)
    for status, retry_after, text in asked:
        assert (status, retry_after) == (503, "1")
        assert "Try again in 1 second." in text
    assert (wrong[0], overview[0], connections[0]) == (400, 200, 200)
    assert "The costs cannot be told at the moment" in overview[2]
    assert "Last bill check" in overview[2]
    assert "What is ignored cannot be said at the moment" in one[2]


def test_a_connection_that_fails_stands_above_the_numbers(site: Site, visit: Visit) -> None:
    # The last one, because it breaks a connection of the module's site.
    name = "simple-cloud"
    shutil.rmtree(site.outlay("connections", "show", name)["location"].removeprefix("file://"))
    with pytest.raises(subprocess.CalledProcessError):
        site.outlay("ingest", name)
    page = visit(site, "viewer", width=PHONE)
    page.goto("/")
    attention = page.get_by_role("region", name="Connections that need attention: 1 of 4")
    expect(attention).to_contain_text(name)
    expect(attention).to_contain_text("Failing")
    expect(page.locator(".outlay-fresh")).to_contain_text(f"Failing: {name}")
    assert (axe(page), overflow(page)) == ([], [])
    page.goto("/explorer")
    expect(page.locator(".outlay-fresh")).to_contain_text(f"Failing: {name}")
