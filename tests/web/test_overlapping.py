"""Bills that two connections hold: flagged where people look, chosen on a page and by the API."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from outlay.period import BillingPeriod
from tests.twice import PAYER, put
from tests.web.conftest import Theme, Visit
from tests.web.pages import PHONE, WIDE, axe, overflow
from tests.web.sites import Site
from tests.web.tokens import Api, token

NOW = BillingPeriod.of(datetime.now(UTC)).month
BEFORE = BillingPeriod.parse(NOW).previous().month
CUR = {(BEFORE, PAYER): "1000.25", (NOW, PAYER): "612.5"}
FOCUS = {(BEFORE, PAYER): "1000.25", (NOW, PAYER): "640"}
TWO = {"payer": PAYER, "connections": ["cur", "focus"]}


@pytest.fixture(scope="module")
def api(empty_site: Site) -> Api:
    """Of a site with the older connection `cur`, and `focus`."""
    folder = empty_site.home.folder
    for name, kind, bills in (("cur", "aws", CUR), ("focus", "focus", FOCUS)):
        put(folder, name, bills)
        empty_site.outlay("connections", "add", kind, name, "--location", folder / name)
    empty_site.outlay("ingest")
    return Api(empty_site, token(empty_site))


def total(api: Api) -> Decimal:
    return Decimal(api.get("costs", granularity="none")["totals"]["USD"])


def test_the_overlap_is_told_by_the_api_as_by_the_command(empty_site: Site, api: Api) -> None:
    told = api.get("overlaps")
    assert told == empty_site.outlay("overlaps")
    (one,) = told["overlaps"]
    assert (one["payer"], one["older"], one["newer"], one["chosen"], one["both"]) == (
        PAYER,
        "cur",
        "focus",
        None,
        False,
    )
    assert told["left_out"] == {"USD": "640"}
    assert told["left_out_in_all"] == one["left_out"] == {"USD": "1640.25"}
    assert [each["costs"]["cur"]["billed"] for each in one["months"]] == [{"USD": "1000.25"}, {"USD": "612.5"}]
    for name in ("cur", "focus"):
        assert api.get(f"connections/{name}")["overlaps"] == [one]
    assert api.get("overlaps", payer="nobody")["overlaps"] == []
    assert api.ask("overlaps", params={"connection": "nobody"}).status_code == 404
    assert total(api) == Decimal("1612.75")


def test_which_one_counts_is_chosen_on_the_page(empty_site: Site, api: Api, visit: Visit) -> None:
    page = visit(empty_site, "administrator")
    page.goto("/")
    note = page.locator("[data-overlapping]")
    expect(note).to_contain_text("640.00 USD of this month")
    expect(note).to_contain_text("1,640.25 USD of all months, of focus")
    expect(note.get_by_label("Attention")).to_be_visible()
    note.get_by_role("link", name="Which one counts").click()
    overlap = page.locator("[data-overlap='cur focus']")
    expect(overlap).to_contain_text("Nobody has chosen yet.")
    expect(overlap.get_by_role("row").nth(1)).to_contain_text("+27.50")
    overlap.get_by_label("focus", exact=True).check()
    overlap.get_by_role("button", name="Count this one").click()
    expect(page.get_by_text("The bill of focus counts now.")).to_be_visible()
    expect(overlap.locator("[data-counts]")).to_contain_text("focus counts, as was chosen. Left out: 1,612.75 USD.")
    assert total(api) == Decimal("1640.25")
    overlap.get_by_label("Both: they are different bills").check()
    overlap.get_by_role("button", name="Count this one").click()
    expect(page.get_by_text("Both bills count now.")).to_be_visible()
    assert total(api) == Decimal(3253)
    page.goto("/")
    expect(note).to_contain_text("both count, as was chosen")
    expect(note.get_by_label("Attention")).to_have_count(0)
    page.goto("/connections/cur")
    expect(page.locator("[data-overlap]")).to_contain_text("Both count")
    page.get_by_role("link", name="Both sums, and which counts").click()
    page.get_by_role("button", name="Take the choice back").click()
    expect(page.get_by_text("The bill of cur, the older connection, counts now.")).to_be_visible()
    assert total(api) == Decimal("1612.75")
    page.goto("/connections")
    expect(page.locator("tr[data-connection=focus]")).to_contain_text("Bills that count in another connection")
    expect(page.locator("tr[data-connection=cur]")).not_to_contain_text("Bills that count")
    page.goto("/connections/focus")
    expect(page.get_by_text("not counted")).to_have_count(2)
    expect(page.locator(".card", has_text="What people did")).to_contain_text("said which of two bills counts")


def test_the_api_chooses_for_those_who_may(empty_site: Site, api: Api) -> None:
    chosen = api.ask("overlaps", "PUT", json={**TWO, "count": "focus"})
    assert (chosen.status_code, chosen.json()["chosen"]) == (200, "focus")
    assert total(api) == Decimal("1640.25")
    both = api.ask("overlaps", "PUT", json={**TWO, "both": True}).json()
    assert (both["chosen"], both["both"], both["left_out"]) == (None, True, {})
    refused = api.ask("overlaps", "PUT", json={**TWO, "count": "other"})
    assert (refused.status_code, refused.json()["where"]) == (400, "count")
    assert api.ask("overlaps", "PUT", json={**TWO, "count": "cur", "both": True}).status_code == 400
    assert api.ask("overlaps", "PUT", json={**TWO, "payer": "other"}).status_code == 404
    viewer = Api(empty_site, token(empty_site, "viewer", "read"))
    assert viewer.ask("overlaps", "PUT", json=TWO).status_code == 403
    assert viewer.get("overlaps")["overlaps"][0]["both"]
    assert api.ask("overlaps", "PUT", json=TWO).json()["both"] is False
    assert total(api) == Decimal("1612.75")


@pytest.mark.parametrize(("width", "theme"), [(WIDE, "light"), (PHONE, "dark")])
@pytest.mark.parametrize("path", ["/overlaps", "/", "/connections/focus", "/connections"])
def test_what_is_flagged_is_accessible_and_fits(
    empty_site: Site, api: Api, visit: Visit, path: str, width: int, theme: Theme
) -> None:
    page = visit(empty_site, "administrator", width=width, theme=theme)
    page.goto(path)
    expect(page.locator("[data-overlap], [data-overlapping], [data-connection=focus]").first).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])


def test_a_viewer_sees_and_chooses_nothing(empty_site: Site, api: Api, visit: Visit) -> None:
    page = visit(empty_site, "viewer")
    page.goto("/overlaps")
    expect(page.locator("[data-overlap]")).to_be_visible()
    expect(page.get_by_role("button", name="Count this one")).to_have_count(0)


def test_where_nothing_overlaps_the_page_says_so(shared_site: Site, visit: Visit) -> None:
    page = visit(shared_site, "viewer")
    page.goto("/overlaps")
    expect(page.get_by_text("No bill is held twice")).to_be_visible()
    assert (axe(page), overflow(page)) == ([], [])
