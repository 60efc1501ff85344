"""A connection's life in a browser: from its first delivery to failing and back, its proofs, and what people do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import outlay
from outlay.app import Outlay
from outlay.state.new import NewConnection
from outlay.storage import open_place
from tests.cli.drops import Drops
from tests.web.conftest import Visit
from tests.web.pages import PHONE, WIDE, axe, overflow
from tests.web.sites import NAMES, Home, Site, serving, working

LONG = "a-connection-whose-name-is-as-long-as-they-get-in-practice-for-production-accounts-of-emea-0123456789"


@dataclass(frozen=True)
class Life:
    """A site, and its installation opened here, too: that is quicker than commands, and as far from the site."""

    site: Site
    folder: Path
    o: Outlay

    def drops(self, name: str) -> Drops:
        """Where that connection's bills lie."""
        place = open_place(str(self.folder / name), create=True)
        return Drops(place, self.folder / name)

    def add(self, name: str, expect_every: int | None = None) -> Drops:
        drops = self.drops(name)
        self.o.add(NewConnection(name, "anycost", str(drops.folder), "Acme Cloud", expect_every=expect_every))
        return drops

    def ingest(self, name: str) -> None:
        """As a worker would; a delivery may be rejected."""
        assert [result.outcome for result in self.o.ingest([name])]

    def names(self) -> set[str]:
        return {view.row.name for view in self.o.connections()}

    def grow_old(self, name: str, hours: int) -> None:
        """All that came for a connection came that much earlier."""
        with closing(sqlite3.connect(self.site.home.home / "state.db", timeout=20)) as database, database:
            database.execute(
                "update state_run set finished_at = datetime(finished_at, ?) where connection_id = ?",
                (f"-{hours} hours", name),
            )


@pytest.fixture(scope="module")
def life(bare: Home) -> Iterator[Life]:
    bare.put_back()
    with pytest.MonkeyPatch.context() as patch:
        # The browser's thread looks like an event loop to Django.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with serving(bare) as site, outlay.open(home=bare.home, threads=1) as o:
            yield Life(site, bare.folder / "drops", o)


def _status(page: Page, name: str) -> str:
    page.goto("/connections")
    return page.locator(f"tr[data-connection='{name}'] .outlay-status").inner_text()


def test_from_pending_data_over_late_and_failing_to_healthy(life: Life, visit: Visit) -> None:
    drops = life.add("acme", 24)
    page = visit(life.site, "viewer")
    assert _status(page, "acme") == "Pending Data"
    drops.drop("2026-06", ["100", "20", "3"])
    life.ingest("acme")
    assert _status(page, "acme") == "Healthy"
    life.grow_old("acme", 30)
    assert _status(page, "acme") == "Late"
    life.ingest("acme")
    expect(page.locator("tr[data-connection='acme']")).to_contain_text("one is expected every 24 hours")
    drops.drop("2026-06", ["100", "not a number", "3"], "d2")
    life.ingest("acme")
    assert _status(page, "acme") == "Failing"
    reason = page.locator("tr[data-connection='acme'] .connections-reason")
    expect(reason).to_contain_text("not a number")
    # Failing hides nothing of what there is.
    expect(page.locator("tr[data-connection='acme']")).to_contain_text("Jun 2026")
    page.goto("/connections/acme/in/2026-06")
    expect(page.get_by_role("alert")).to_contain_text("The newest delivery was rejected")
    page.locator("[data-delivery]", has_text="rejected").locator("summary").first.click()
    finding = page.locator("[data-code]").first
    expect(finding).to_contain_text("row 2")
    expect(finding).to_contain_text("not a number")
    drops.drop("2026-06", ["100", "25", "3"], "d3")
    life.ingest("acme")
    assert _status(page, "acme") == "Healthy"
    page.goto("/connections/acme")
    changes = page.locator("[aria-label='Changes of its status'] .outlay-status")
    expect(changes).to_have_text(["Healthy", "Failing", "Late", "Healthy", "Pending Data"])


def test_an_earlier_delivery_is_made_live_and_who_did_it_is_told(life: Life, visit: Visit) -> None:
    drops = life.add("reverted")
    drops.drop("2026-05", ["100", "20", "3"])
    life.ingest("reverted")
    drops.drop("2026-05", ["100", "50.5"], "d2")
    life.ingest("reverted")
    page = visit(life.site, "administrator")
    page.goto("/connections/reverted")
    page.get_by_role("link", name="May 2026").click()
    expect(page.locator("[data-total=BilledCost] td").nth(1)).to_contain_text("150.5")
    new, old = (str(each.get_attribute("data-delivery")) for each in page.locator("[data-delivery]").all())
    page.get_by_role("link", name="What changed").click()
    changes = page.locator("[data-changes]")
    expect(changes.get_by_role("row", name="Storage")).to_contain_text("+30.50")
    expect(changes.get_by_role("row", name="Network")).to_contain_text("−3.00")
    expect(changes.get_by_role("row", name="Total")).to_contain_text("+27.50")
    page.get_by_role("button", name="Make live").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Make {old} live?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.locator(f"[data-delivery='{new}']")).to_contain_text("live")
    page.get_by_role("button", name="Make live").click()
    page.get_by_role("dialog").get_by_role("button", name="Make live").click()
    expect(page.get_by_role("status").first).to_contain_text(f"{old} is live now")
    expect(page.locator("[data-total=BilledCost] td").nth(1)).to_contain_text("123")
    expect(page.locator("main")).to_contain_text(f"{NAMES['administrator']} made an earlier delivery live: {old}")
    assert [each.delivery for each in life.o.periods("reverted")] == [old]
    life.ingest("reverted")
    assert [each.delivery for each in life.o.periods("reverted")] == [old]


def test_a_paper_invoice_is_held_against_its_charges(life: Life, visit: Visit) -> None:
    drops = life.add("invoiced")
    drops.drop("2026-04", ["100", "20", "3.004"], bill__invoice_id="INV-7")
    life.ingest("invoiced")
    page = visit(life.site, "administrator")
    page.goto("/connections/invoiced/in/2026-04")
    expect(page.locator("#bill-check .outlay-status").first).to_have_text("equal")
    row = page.locator("tr[data-invoice='INV-7']")
    row.get_by_label("Amount on invoice INV-7").fill("one hundred")
    row.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("is not an amount")
    row.get_by_label("Amount on invoice INV-7").fill("103.00")
    row.get_by_role("button").click()
    expect(row).to_contain_text("+20.00")
    expect(page.locator(".connections-where")).to_contain_text("charges of the service Storage come to just that")
    row.get_by_label("Amount on invoice INV-7").fill("123.00")
    row.get_by_role("button").click()
    expect(row.locator(".outlay-status")).to_have_text("equal")


def test_a_viewer_sees_all_and_changes_nothing(life: Life, visit: Visit) -> None:
    drops = life.add("watched")
    drops.drop("2026-05", ["1"])
    life.ingest("watched")
    drops.drop("2026-05", ["2"], "d2")
    life.ingest("watched")
    page = visit(life.site, "viewer")
    for path in ("/connections", "/connections/watched", "/connections/watched/in/2026-05"):
        page.goto(path)
        for word in ("Add connection", "Check now", "Pause", "Update", "Make live", "Remove", "Compare with"):
            expect(page.locator("main").get_by_role("button", name=word, exact=True)).to_have_count(0)
            expect(page.locator("main").get_by_role("link", name=word, exact=True)).to_have_count(0)
    (earlier,) = life.o.periods("watched")[0].earlier
    for path, data in (
        ("check", {}),
        ("pause", {}),
        ("remove", {"typed": "watched", "purge": "1"}),
        ("in/2026-05/live", {"delivery": earlier}),
        ("in/2026-05/invoice", {"invoice": "1", "currency": "USD", "amount": "1"}),
    ):
        answer = life.site.ask(f"/connections/watched/{path}", "viewer", "POST", data=data)
        assert answer.status_code == 403, path
    assert life.o.periods("watched")[0].earlier == (earlier,)
    assert life.site.ask("/add-connection", "viewer").status_code == 403


def test_another_folder_is_a_new_connection_that_counts_from_a_month_on(life: Life, visit: Visit) -> None:
    drops = life.add("old-place")
    for month in ("2026-04", "2026-05", "2026-06"):
        drops.drop(month, ["10"])
    life.ingest("old-place")
    page = visit(life.site, "administrator")
    page.goto("/connections/old-place/edit")
    page.get_by_label("Location", exact=True).fill("file:///elsewhere")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("The bills of old-place stay where they are")
    page.get_by_role("link", name="Move to another folder").click()
    new = life.drops("new-place")
    for month in ("2026-05", "2026-06"):
        new.drop(month, ["11"])
    page.get_by_label("Connection Name", exact=True).fill("new-place")
    page.get_by_label("Folder", exact=True).fill(str(new.folder))
    page.get_by_label("Month of the change", exact=True).fill("June")
    expect(page.locator("#field_month")).to_contain_text("is not a month")
    page.get_by_label("Month of the change", exact=True).fill("2026-06")
    page.get_by_role("button", name="Test it and go on there").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("new-place")
    life.ingest("new-place")
    page.goto("/connections/new-place")
    move = page.locator("#move-new-place")
    expect(move.get_by_role("row", name="May 2026")).to_contain_text("10.00")
    expect(move.get_by_role("row", name="May 2026")).to_contain_text("11.00")
    expect(move.get_by_role("row", name="June 2026").locator(".fw-bold")).to_contain_text("11.00")
    page.goto("/connections/old-place")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Paused")
    costs = life.o.costs(["connection"], where=["connection~-place"])
    found = [(f"{row.period:%Y-%m}", row.values[0], str(int(row.amount))) for row in costs.rows]
    assert sorted(found) == [
        ("2026-04", "old-place", "10"),
        ("2026-05", "old-place", "10"),
        ("2026-06", "new-place", "11"),
    ]


def test_removing_asks_for_the_name_and_keeps_the_charges(life: Life, visit: Visit) -> None:
    drops = life.add("leaving")
    drops.drop("2026-05", ["7"])
    life.ingest("leaving")
    page = visit(life.site, "administrator")
    page.goto("/connections/leaving")
    page.get_by_role("button", name="More").click()
    page.get_by_role("link", name="Remove").click()
    expect(page.locator("main")).to_contain_text("This is lost for good")
    page.get_by_role("textbox").fill("living")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alert")).to_contain_text("That is not its name")
    page.get_by_role("textbox").fill("leaving")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status").first).to_contain_text("Its charges stay")
    assert "leaving" not in life.names()
    assert [row.amount for row in life.o.costs(where=["connection=leaving"]).rows] == [7]


def test_check_now_waits_for_a_worker_and_shows_what_it_brought(life: Life, visit: Visit) -> None:
    drops = life.add("checked")
    for month in ("2026-05", "2026-06"):
        drops.drop(month, ["5"])
    page = visit(life.site, "administrator")
    page.goto("/connections/checked")
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("#progress")).to_contain_text("A worker checks it as soon as one is free")
    expect(page.get_by_role("button", name="Check now")).to_be_disabled()
    with working(life.site):
        # The page shows it by itself.
        expect(page.locator("#progress")).to_contain_text("2 months looked at", timeout=60_000)
    expect(page.get_by_role("link", name="June 2026")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Healthy")
    expect(page.locator("main")).to_contain_text(f"{NAMES['administrator']} asked for a check")


def test_settings_are_changed_and_checked_as_one_types(life: Life, visit: Visit) -> None:
    life.add("changed")
    page = visit(life.site, "administrator")
    page.goto("/connections/changed/edit")
    page.get_by_label("Check every", exact=True).fill("4")
    expect(page.locator("#field_check_every")).to_contain_text("Give a whole number from 5")
    page.get_by_label("Check every", exact=True).fill("15")
    page.get_by_label("Expected Data Delivery Frequency", exact=True).fill("48")
    page.get_by_label("Bring in from", exact=True).fill("2026-02")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("how often it is checked")
    expect(page.locator("main")).to_contain_text("every 48 hours")
    expect(page.locator("main")).to_contain_text("from February 2026 on")


def test_an_export_is_named_on_the_page_while_there_is_none(life: Life, visit: Visit) -> None:
    life.o.add(NewConnection("nameless", "focus", str(life.drops("nameless").folder), "Acme Cloud"))
    page = visit(life.site, "administrator")
    page.goto("/connections/nameless/edit")
    page.get_by_label("Export", exact=True).fill("daily")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Changed: export.")
    page.goto("/connections/nameless/edit")
    expect(page.get_by_label("Cloud Provider", exact=True)).to_be_visible()
    expect(page.get_by_label("Export", exact=True)).to_have_count(0)


def test_the_table_is_searched_filtered_and_sorted_and_its_address_holds_it(life: Life, visit: Visit) -> None:
    for name in ("findable-b", "findable-a"):
        life.add(name)
    page = visit(life.site, "administrator")
    page.goto("/connections")
    page.get_by_label("Search connections").fill("findable")
    rows = page.locator("tr[data-connection]")
    expect(rows).to_have_count(2)
    assert [each.get_attribute("data-connection") for each in rows.all()] == ["findable-a", "findable-b"]
    page.get_by_label("Status").select_option("failing")
    expect(page.locator("main")).to_contain_text("No connection fits")
    page.get_by_label("Status").select_option("pending-data")
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="Connection", exact=True).click()
    assert [each.get_attribute("data-connection") for each in rows.all()] == ["findable-b", "findable-a"]
    expect(page.get_by_role("columnheader", name="Connection")).to_have_attribute("aria-sort", "descending")
    page.reload()
    expect(page.get_by_label("Search connections")).to_have_value("findable")
    expect(rows).to_have_count(2)


def test_on_a_phone_the_table_has_no_heads_and_is_sorted_by_a_choice(life: Life, visit: Visit) -> None:
    for name in ("sorted-a", "sorted-b"):
        life.add(name)
    page = visit(life.site, "viewer", width=PHONE)
    page.goto("/connections?q=sorted-")
    rows = page.locator("tr[data-connection]")
    page.get_by_label("reversed").check()
    expect(rows.first).to_have_attribute("data-connection", "sorted-b")
    page.get_by_label("Sort by").select_option("status")
    page.wait_for_url("**sort=status&desc=1")
    page.reload()
    expect(page.get_by_label("reversed")).to_be_checked()
    expect(page.get_by_label("Sort by")).to_have_value("status")
    wide = visit(life.site, "viewer")
    wide.goto("/connections")
    expect(wide.get_by_label("Sort by")).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_every_page_of_a_connection_fits_and_is_accessible_whatever_its_name(
    life: Life, visit: Visit, width: int, theme: str
) -> None:
    if LONG[:100] not in life.names():
        drops = life.add(LONG[:100])
        drops.drop("2026-05", ["100", "20", "3"], bill__invoice_id="INV-8")
        life.ingest(LONG[:100])
        drops.drop("2026-05", ["100", "x", "3"], "d2", bill__invoice_id="INV-8")
        life.ingest(LONG[:100])
    page = visit(life.site, "administrator", width=width, theme=theme)
    base = f"/connections/{LONG[:100]}"
    for path in ("/connections", base, f"{base}/in/2026-05", f"{base}/edit", f"{base}/move", f"{base}/remove"):
        page.goto(path)
        if path == f"{base}/in/2026-05":
            for each in page.locator("details:visible > summary").all():
                each.click()
        assert (path, axe(page), overflow(page)) == (path, [], [])
    page.goto("/connections")
    for badge in page.locator("tr[data-connection] .outlay-status").all():
        box = badge.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
