"""The explorer's table by each of its columns: in the address, by keyboard, said to screen readers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TypeVar

import pytest
from playwright.sync_api import Locator, Page, expect

from outlay.costs.question import Question
from outlay.costs.table import Line
from outlay.errors import UsageError
from outlay.web.explorer.sorting import COLUMNS, Order, shown
from tests.web.conftest import Visit
from tests.web.pages import PHONE, axe, overflow
from tests.web.sites import Site

T = TypeVar("T", Decimal, str)

ADDRESS = "/explorer?by=ServiceName&by=RegionId&range=last-month&compare=before&is.BillingCurrency=USD&top=5"


def _lines() -> list[Line]:
    def line(first: str | None, second: str, amount: int, before: int, share: int | None) -> Line:
        return Line(
            (first, second), "USD", Decimal(amount), Decimal(before), share=None if share is None else Decimal(share)
        )

    rest = Line((None, None), "USD", Decimal(500), Decimal(1), is_remainder=True)
    return [
        rest,
        line("b", "x", 30, 0, 30),
        line("A", "z", 20, 10, 20),
        line(None, "y", 10, 30, None),
        line("c", "x", 5, 5, 5),
    ]


@pytest.mark.parametrize(
    ("by", "way", "amounts"),
    [
        ("amount", "down", [30, 20, 10, 5]),
        ("amount", "up", [5, 10, 20, 30]),
        ("name", "up", [20, 30, 5, 10]),
        ("name", "down", [5, 30, 20, 10]),
        ("second", "up", [30, 5, 10, 20]),
        ("share", "up", [5, 20, 30, 10]),
        ("share", "down", [30, 20, 5, 10]),
        ("before", "down", [10, 20, 5, 30]),
        ("change", "up", [10, 5, 20, 30]),
        ("percent", "down", [20, 5, 10, 30]),
    ],
)
def test_what_has_no_value_stands_after_what_has_and_the_remainder_last(by: str, way: str, amounts: list[int]) -> None:
    assert [int(line.amount) for line in Order(by, way).sorted(_lines())] == [*amounts, 500]


def test_a_column_that_the_table_has_not_leaves_the_usual_order() -> None:
    plain, compared = (
        Question(by=("ServiceName",)),
        Question.from_query("by=ServiceName&by=RegionId&compare=before&range=last-month", today=date(2026, 6, 15)),
    )
    assert shown(plain) == ("name", "amount", "share")
    assert shown(compared) == ("name", "second", "amount", "share", "before", "change", "percent")
    assert Order.read("change", None).of(plain) == Order()
    assert Order.read("second", "down").of(compared) == Order("second", "down")
    for by, way, field in (("colour", None, "sort"), ("name", "sideways", "order")):
        with pytest.raises(UsageError) as refused:
            Order.read(by, way)
        assert refused.value.field == field


def _amount(cell: Locator) -> Decimal:
    text = re.sub(r"[^\d.−]", "", cell.inner_text()).replace("−", "-")
    return Decimal(text or "-1e9")


def _text(cell: Locator) -> str:
    return cell.inner_text().strip().casefold()


def _column(page: Page, place: int, read: Callable[[Locator], T]) -> list[T]:
    rows = page.locator(".outlay-table").first.locator("tbody tr:not(.outlay-rest)")
    return [read(row.locator("th, td").nth(place)) for row in rows.all()]


def test_each_column_sorts_the_table_and_the_address_holds_it(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer")
    page.goto(ADDRESS)
    heads = page.locator(".outlay-table").first.locator("thead th")
    expect(heads).to_have_count(7)
    assert [head.get_attribute("aria-sort") for head in heads.all()] == ["none", "none", "descending", *["none"] * 4]
    # All but the shares, whose column stands in the place of the amounts'.
    for place, name in ((4, "before"), (5, "change"), (6, "percent"), (2, "amount")):
        heads.nth(place).get_by_role("link").press("Enter")
        expect(heads.nth(place)).to_have_attribute("aria-sort", "descending")
        expect(heads.nth(place).get_by_role("link")).to_be_focused()
        assert (f"sort={name}" in page.url) is (name != "amount")
        found = _column(page, place, _amount)
        assert len(found) > 5
        assert found == sorted(found, reverse=True)
    for place, name in ((1, "second"), (0, "name")):
        heads.nth(place).get_by_role("link").click()
        expect(heads.nth(place)).to_have_attribute("aria-sort", "ascending")
        names = [each for each in _column(page, place, _text) if each != "(none)"]
        assert names == sorted(names)
        heads.nth(place).get_by_role("link").click()
        expect(heads.nth(place)).to_have_attribute("aria-sort", "descending")
        assert f"sort={name}&order=down" in page.url
    # What the chart has as one remainder, and the total, stand last in any order.
    expect(page.locator(".outlay-table").first.locator("tbody tr").last).to_contain_text("All others in the chart")
    expect(page.locator(".outlay-table").first.locator("tfoot tr")).to_contain_text("Total of")
    before = _column(page, 0, _text)
    page.reload()
    assert _column(page, 0, _text) == before
    # Another question keeps it; one without that column is in the usual order.
    page.get_by_label("Each", exact=True).select_option("day")
    page.wait_for_url(re.compile("granularity=day"))
    assert "sort=name&order=down" in page.url
    page.go_back()
    page.wait_for_url(lambda url: "granularity" not in url)
    page = visit(site, "viewer")
    heads = page.locator(".outlay-table").first.locator("thead th")
    page.goto(f"{ADDRESS}&sort=change")
    page.get_by_label("Compare with the period before").uncheck()
    page.wait_for_url(lambda url: "compare" not in url)
    assert "sort=" not in page.url
    expect(heads.nth(2)).to_have_attribute("aria-sort", "descending")


def test_a_sorted_table_is_accessible_and_fits(site: Site, visit: Visit) -> None:
    page = visit(site, "viewer", width=PHONE, theme="dark")
    page.goto(f"{ADDRESS}&sort=percent&order=up")
    assert (axe(page), overflow(page)) == ([], [])


@pytest.mark.parametrize("name", COLUMNS)
def test_an_address_that_is_sorted_by_a_column_is_answered_with_files_too(site: Site, name: str) -> None:
    answer = site.ask(f"/explorer/export/answer.csv?{ADDRESS.partition('?')[2]}&sort={name}", "viewer")
    assert answer.status_code == 200
