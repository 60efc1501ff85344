"""Connections of a bucket in a browser, with a worker: what it does by itself is seen, it is stopped, and moved on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import Page, expect

from outlay.period import BillingPeriod
from outlay.storage import open_place
from tests.cli.drops import Drops
from tests.services.s3 import S3, Request, S3Server
from tests.web.conftest import Visit
from tests.web.sites import Home, Site, serving, working

# A check takes as long as it takes.
PATIENCE = 60_000
# More than the seconds after which a page asks again while nothing is under way.
SOON = "00:11"


@dataclass
class Gate:
    """The bills whose path has `part` are handed out when it is opened; `arrived` as soon as one is asked for."""

    part: str
    arrived: Event = field(default_factory=Event)
    opened: Event = field(default_factory=Event)

    def holds(self, request: Request) -> bool:
        return request.kind == "GetObject" and self.part in request.key and request.key.endswith(".csv.gz")

    def wait(self) -> None:
        self.arrived.set()
        assert self.opened.wait(60)


@dataclass(frozen=True)
class Buckets:
    site: Site
    s3: S3

    def drop(self, folder: str, *months: str, cost: str = "10") -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.s3.environ.items():
                patch.setenv(name, value)
            drops = Drops(open_place(self.s3.url(folder)), Path(folder))
            for month in months:
                drops.drop(month, [cost])

    def connect(self, name: str, folder: str, *more: str) -> None:
        provider = ("--cloud-provider", "Acme Cloud")
        self.site.outlay("connections", "add", "anycost", name, "--location", self.s3.url(folder), *provider, *more)

    @contextmanager
    def gate(self, part: str) -> Iterator[Gate]:
        made = Gate(part)
        self.s3.meanwhile(made.holds, made.wait)
        try:
            yield made
        finally:
            made.opened.set()


@pytest.fixture(scope="module", autouse=True)
def patient() -> Iterator[None]:
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=None)


@pytest.fixture(scope="module")
def buckets(bare: Home, s3_server: S3Server) -> Iterator[Buckets]:
    bare.put_back()
    s3 = S3(s3_server)
    with serving(bare, s3.environ) as site:
        yield Buckets(site, s3)
    s3_server.observed.faults.clear()
    s3_server.observed.requests.clear()


def _months(page: Page) -> list[str]:
    return page.locator(".connections-periods th[scope=row] a").all_inner_texts()


def test_a_check_that_a_worker_begins_by_itself_is_seen_on_open_pages(buckets: Buckets, visit: Visit) -> None:
    buckets.drop("live", "2026-05", "2026-06")
    buckets.connect("live", "live")
    table, page = visit(buckets.site, "viewer"), visit(buckets.site, "administrator")
    for each, path in ((table, "/connections"), (page, "/connections/live")):
        each.clock.install()
        each.goto(path)
        expect(each.locator("main")).to_contain_text("Pending Data")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("[data-test-result]")).to_have_text("All of it works.")
    with buckets.gate("20260501") as gate, working(buckets.site):
        assert gate.arrived.wait(60)
        table.clock.fast_forward(SOON)
        page.clock.fast_forward(SOON)
        under_way = table.get_by_role("list", name="Checks under way")
        expect(under_way).to_contain_text("2026-05 fetch; 1 of 2 months looked at")
        expect(page.locator("#progress")).to_contain_text("2026-05 fetch; 1 of 2 months looked at")
        # June, the newer, is in already.
        expect(page.get_by_role("link", name="June 2026")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_role("link", name="May 2026")).to_have_count(0)
        gate.opened.set()
        expect(page.get_by_role("link", name="May 2026")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_role("heading", level=1)).to_contain_text("Healthy")
        expect(page.locator("#progress")).to_contain_text("Last check")
        expect(table.locator("tr[data-connection=live] .outlay-status")).to_have_text("Healthy")
        expect(under_way).to_have_count(0)
    # What was tested before stands as it was.
    expect(page.locator("[data-test-result]")).to_have_text("All of it works.")


def test_a_page_that_has_nothing_new_is_answered_with_nothing(buckets: Buckets) -> None:
    buckets.drop("quiet", "2026-05")
    buckets.connect("quiet", "quiet")
    for path in ("/connection-news", "/connections/quiet/progress"):
        first = buckets.site.ask(path, "viewer")
        address = first.text.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
        again = buckets.site.ask(address, "viewer")
        assert (again.status_code, again.text) == (204, ""), path
        assert "HX-Trigger" not in again.headers
        other = buckets.site.ask(f"{path}?seen=before&idle=1", "viewer")
        assert (other.status_code, other.headers["HX-Trigger"]) == (200, '{"outlay:changed": {}}')


def test_stopping_the_first_bring_in_leaves_out_the_months_that_are_not_in_yet(buckets: Buckets, visit: Visit) -> None:
    months = ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06"]
    buckets.drop("stopped", *months)
    buckets.connect("stopped", "stopped")
    page = visit(buckets.site, "administrator")
    page.goto("/connections/stopped")
    page.get_by_role("button", name="Check now").click()
    with buckets.gate("20260501") as may, buckets.gate("20260401") as april, working(buckets.site):
        assert may.arrived.wait(60)
        expect(page.locator("#progress")).to_contain_text("2026-05 fetch; 1 of 6 months looked at")
        assert page.locator("[aria-label=Months] li").all_inner_texts() == [
            *("2026-06 committed", "2026-05 fetch"),
            *("2026-04", "2026-03", "2026-02", "2026-01"),
        ]
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#progress")).to_contain_text("Stopping")
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        may.opened.set()
        # The worker hears of it once a second: in May, or at the latest while it waits for April.
        progress = page.locator("#progress")
        expect(progress.get_by_text("Stopped after").or_(progress.get_by_text("2026-04 fetch;"))).to_be_visible()
        april.opened.set()
        expect(progress).to_contain_text("Stopped after")
        expect(page.get_by_role("link", name="June 2026")).to_be_visible(timeout=PATIENCE)
        held = [BillingPeriod.parse(each["period"]).month for each in buckets.site.outlay("periods", "stopped")]
        assert held in (["2026-06"], ["2026-06", "2026-05"])
        left = ", ".join(month for month in reversed(months) if month not in held)
        expect(progress).to_contain_text(f"Not brought in: {left}.")
        expect(page.locator("main")).to_contain_text("stopped the check")
        # They stay out until somebody asks for them.
        page.get_by_role("button", name="Check now").click()
        expect(page.get_by_role("link", name="January 2026")).to_be_visible(timeout=PATIENCE)
    assert len(_months(page)) == 6


def test_another_bucket_is_refused_and_one_button_goes_on_in_the_new_one(
    buckets: Buckets, visit: Visit, s3_server: S3Server
) -> None:
    buckets.drop("old", "2026-04", "2026-05", "2026-06", cost="10")
    buckets.connect("in-old-bucket", "old")
    other = S3(s3_server)
    page = visit(buckets.site, "administrator")
    with working(buckets.site):
        page.goto("/connections/in-old-bucket")
        page.get_by_role("button", name="Check now").click()
        expect(page.get_by_role("link", name="April 2026")).to_be_visible(timeout=PATIENCE)
        page.get_by_role("link", name="Update", exact=True).click()
        page.get_by_label("Location", exact=True).fill(other.url("new"))
        expect(page.locator("#id_location_said")).to_contain_text("The bills of in-old-bucket stay where they are")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#id_location_said")).to_contain_text("Move it: add a connection for the other place")
        location = buckets.site.outlay("connections", "show", "in-old-bucket")["location"]
        assert location == buckets.s3.url("old")
        page.get_by_role("link", name="Move to another bucket").click()
        Buckets(buckets.site, other).drop("new", "2026-05", "2026-06", cost="11")
        page.get_by_label("Connection Name", exact=True).fill("in-new-bucket")
        page.get_by_label("Bucket Name", exact=True).fill("Not A Bucket")
        expect(page.locator("#field_bucket")).to_contain_text("lower-case letters")
        page.get_by_label("Bucket Name", exact=True).fill(other.bucket)
        page.get_by_label("Bucket Path", exact=True).fill("new")
        page.get_by_label("Month of the change", exact=True).fill("2026-06")
        page.get_by_role("button", name="Test", exact=True).click()
        expect(page.locator("[data-test-result]")).to_have_text("All of it works.")
        page.get_by_role("button", name="Test it and go on there").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("in-new-bucket")
        moved = page.locator("#move-in-new-bucket")
        expect(moved.get_by_role("row", name="May 2026")).to_be_visible(timeout=PATIENCE)
        assert [row.inner_text().split() for row in moved.locator("tbody tr").all()] == [
            ["June", "2026", "USD", "10.00", "11.00", "1.00"],
            ["May", "2026", "USD", "10.00", "11.00", "1.00"],
        ]
        # The one that counts is marked: the new one from June on.
        counted = [row.get_by_label("Counts").locator("..").inner_text() for row in moved.locator("tbody tr").all()]
        assert [text.strip() for text in counted] == ["11.00", "10.00"]
    page.goto("/connections/in-old-bucket")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Paused")
    expect(page.locator("#move-in-new-bucket")).to_contain_text("10.00")
    page.goto("/explorer?by=x_Connection&by=ServiceName&range=all&contains.x_Connection=bucket&metric=billed")
    expect(page.locator(".outlay-total")).to_contain_text("31.00 USD")
